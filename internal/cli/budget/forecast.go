package budget

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/manifest"
)

// Cadence is how often the driver asks for a volume that is mounted.
type Cadence struct {
	// Every is 0 where the driver does not rotate: then it asks when a pod starts, and not again.
	Every time.Duration
	// Kubelet is set if the kubelet's rounds decide, and not the driver's interval.
	Kubelet bool
	// From says where this is known from.
	From string
}

// CadenceOf is that of a cluster, by its CSIDriver and the driver's DaemonSet.
func CadenceOf(f *facts.Facts) Cadence {
	r := f.Rotation()
	c := Cadence{Every: r.Every(), Kubelet: r.Kubelet, From: "the driver's --rotation-poll-interval"}
	switch {
	case !r.Known:
		c.Kubelet, c.From = true, "assumed: a driver of 1.6 or newer, and kubelets with the default --sync-frequency"
	case r.Off != "":
		c.Kubelet, c.From = false, r.Off
	case r.Kubelet:
		c.From = "driver 1.6 or newer: the kubelet asks every 60 to 90 s"
	}
	return c
}

// CadenceIn is that of the cluster that a set is from, as far as the set tells.
func CadenceIn(set *manifest.Set, cluster *manifest.Cluster) Cadence {
	from := &manifest.Object{}
	for _, o := range set.Objects {
		// Several clusters may be in one repository: each DaemonSet goes with the CSIDriver beside it.
		if d, ok := o.Typed.(*appsv1.DaemonSet); ok && provider.DriverIn([]appsv1.DaemonSet{*d}) != nil {
			from = o
			break
		}
	}
	f := cluster.From(from).Facts(facts.Needs{CSIDriver: true})
	return CadenceOf(&f)
}

// Options of a forecast.
type Options struct {
	Cadence Cadence
	// Nodes is how many pods a DaemonSet has; 0 is not known.
	Nodes int
}

// Contributor is a workload that has calls made to a vault.
type Contributor struct {
	Namespace string `json:"namespace"`
	Workload  string `json:"workload"`
	Pods      int    `json:"pods"`
	// Objects of the vault that each pod has, and Calls that are made for each pod each time: one for each object, one
	// for each version of a history and for the list of them, and one for each type that asks without a token first.
	Objects int `json:"objects"`
	Calls   int `json:"callsPerLook"`
	// PerWindow is the calls in 10 seconds.
	PerWindow float64 `json:"callsPer10s"`
}

// Vault is the forecast of a vault.
type Vault struct {
	Cloud        string        `json:"cloud"`
	Vault        string        `json:"vault"`
	PerWindow    float64       `json:"callsPer10s"`
	Share        float64       `json:"shareOfLimit"`
	PerMonth     int64         `json:"callsPerMonth"`
	Contributors []Contributor `json:"contributors"`
	Advice       []string      `json:"advice"`
}

// Report is a forecast.
type Report struct {
	Every  string  `json:"every"`
	From   string  `json:"from"`
	Limit  int     `json:"limitPer10s"`
	Vaults []Vault `json:"vaults"`
	// Notes say what is not counted.
	Notes []string `json:"notes"`

	Problems []manifest.Problem `json:"-"`
	Objects  int                `json:"-"`
}

// Forecast counts what the workloads of a set have the driver ask.
func Forecast(set *manifest.Set, cluster *manifest.Cluster, settings inject.Settings, o Options) *Report {
	r := &Report{Every: o.Cadence.Every.String(), From: o.Cadence.From, Limit: limit, Vaults: []Vault{}, Notes: []string{}, Problems: set.Problems, Objects: len(set.Objects)}
	found := make([][]share, len(set.Objects))
	notes := make([][]string, len(set.Objects))
	scaled := autoscaled(set, cluster)
	set.Each(func(i int, object *manifest.Object) {
		found[i], notes[i] = sharesOf(object, cluster, settings, o, scaled[nameOf(object.Kind, cluster.NamespaceOf(object), object.Name)])
	})
	for i := range set.Objects {
		r.Notes = append(r.Notes, notes[i]...)
		for _, s := range found[i] {
			r.add(s, o.Cadence)
		}
	}
	for i := range r.Vaults {
		r.Vaults[i].finish(o.Cadence)
	}
	slices.SortStableFunc(r.Vaults, func(a, b Vault) int {
		return cmp.Or(cmp.Compare(b.PerWindow, a.PerWindow), cmp.Compare(a.Cloud+a.Vault, b.Cloud+b.Vault))
	})
	return r
}

// share is what a workload has asked of one vault.
type share struct {
	cloud, vault string
	Contributor
}

func sharesOf(object *manifest.Object, cluster *manifest.Cluster, settings inject.Settings, o Options, most int) (shares []share, notes []string) {
	view := cluster.From(object)
	pods, _ := object.Pods()
	for i := range pods {
		pods[i].Mutating = !pods[i].Template
		request := inject.Parse(pods[i].Target, view.Namespace(), settings)
		decision := inject.Decide(request, view.Facts(request.Needs()))
		used := decision.Uses()
		if len(used) == 0 {
			continue
		}
		where := fmt.Sprintf("%s/%s in %s", object.Kind, object.Name, cluster.NamespaceOf(object))
		count, note := podsOf(object, o.Nodes)
		if count > 0 && most > count { // with none the autoscaler rests
			count, note = most, fmt.Sprintf("counts as the %d pods that its HorizontalPodAutoscaler allows", most)
		}
		switch {
		case pods[i].RunsToCompletion():
			notes = append(notes, where+" runs to its end: not counted")
			continue
		case note != "":
			notes = append(notes, where+" "+note)
		}
		if count == 0 {
			continue
		}
		shares = append(shares, volumesOf(used, Contributor{Namespace: cluster.NamespaceOf(object), Workload: object.Kind + "/" + object.Name, Pods: count})...)
	}
	return shares, notes
}

// volumesOf adds up what is asked of each vault. A pod has one volume of each class.
func volumesOf(used []inject.Use, of Contributor) []share {
	type volume struct{ cloud, vault, class string }
	var order []volume
	objects := map[volume][]provider.Object{}
	for _, use := range used {
		v := volume{use.Cloud, use.Vault, use.Class}
		if objects[v] == nil {
			order = append(order, v)
		}
		objects[v] = append(objects[v], use.Object)
	}
	var shares []share
	for _, v := range order {
		i := slices.IndexFunc(shares, func(s share) bool { return s.cloud == v.cloud && s.vault == v.vault })
		if i < 0 {
			i = len(shares)
			shares = append(shares, share{v.cloud, v.vault, of})
		}
		shares[i].Objects += len(objects[v])
		shares[i].Calls += provider.Calls(objects[v])
	}
	return shares
}

// podsOf is how many pods a workload has, as it is written.
func podsOf(object *manifest.Object, nodes int) (count int, note string) {
	var scaled struct {
		Spec struct {
			Replicas *int `json:"replicas"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(object.JSON, &scaled); err != nil {
		return 1, "has replicas that cannot be read: one pod is counted"
	}
	switch object.Kind {
	case "Pod":
		return 1, ""
	case "DaemonSet":
		if nodes == 0 {
			return 0, "has a pod on each node: give --nodes to count them"
		}
		return nodes, ""
	}
	if scaled.Spec.Replicas == nil {
		return 1, ""
	}
	return max(0, *scaled.Spec.Replicas), ""
}

func (r *Report) add(s share, c Cadence) {
	if c.Every > 0 {
		s.PerWindow = float64(s.Pods*s.Calls) * float64(provider.CallsWindow) / float64(c.Every)
	}
	i := slices.IndexFunc(r.Vaults, func(v Vault) bool { return v.Cloud == s.cloud && v.Vault == s.vault })
	if i < 0 {
		i = len(r.Vaults)
		r.Vaults = append(r.Vaults, Vault{Cloud: s.cloud, Vault: s.vault})
	}
	r.Vaults[i].Contributors = append(r.Vaults[i].Contributors, s.Contributor)
}

func (v *Vault) finish(c Cadence) {
	slices.SortStableFunc(v.Contributors, func(a, b Contributor) int {
		return cmp.Or(cmp.Compare(b.PerWindow, a.PerWindow), cmp.Compare(a.Namespace+"/"+a.Workload, b.Namespace+"/"+b.Workload))
	})
	for i := range v.Contributors {
		v.PerWindow += v.Contributors[i].PerWindow
	}
	v.Share = v.PerWindow / limit
	v.PerMonth = int64(v.PerWindow * float64(month) / float64(provider.CallsWindow))
	v.Advice = v.advice(c)
}

// advice says what would be saved.
func (v *Vault) advice(c Cadence) []string {
	advice := []string{}
	if c.Every == 0 || len(v.Contributors) == 0 {
		return advice
	}
	if c.Kubelet {
		advice = append(advice, "Another --rotation-poll-interval of the driver changes nothing: the kubelet's rounds decide.")
	} else {
		advice = append(advice, fmt.Sprintf("A --rotation-poll-interval twice as long (%s) saves half: %.0f calls in 10 s.", 2*c.Every, v.PerWindow/2))
	}
	const merged = 2 // one object, and the first request without a token
	if most := v.Contributors[0]; most.Calls > merged {
		saved := float64(most.Pods*(most.Calls-merged)) * float64(provider.CallsWindow) / float64(c.Every)
		advice = append(advice, fmt.Sprintf("The %d objects of %s in %s as one (a JSON text, say) save %.1f calls in 10 s.", most.Objects, most.Workload, most.Namespace, saved))
	}
	return advice
}
