package uses

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
)

// Row is a container that reads an object.
type Row struct {
	Cloud  string `json:"cloud"`
	Vault  string `json:"vault"`
	Type   string `json:"type"`
	Object string `json:"object"`

	Namespace string `json:"namespace"`
	// Workload is a kind and a name: Deployment/web.
	Workload string `json:"workload"`
	// Container, and the file or the variable that it reads. Both are empty if the volume is mounted nowhere.
	Container string `json:"container"`
	From      string `json:"from"`
	// Takes is how it takes a new version, and Why, if that is not by the file.
	Takes inject.Takes `json:"takes"`
	Why   string       `json:"why,omitempty"`
	// Class that mounts it; empty if akv-injector generates it.
	Class    string          `json:"class,omitempty"`
	Identity inject.Identity `json:"identity"`
}

// Unread is an object of a class that no workload mounts.
type Unread struct {
	Cloud     string `json:"cloud"`
	Vault     string `json:"vault"`
	Type      string `json:"type"`
	Object    string `json:"object"`
	Namespace string `json:"namespace"`
	Class     string `json:"class"`
}

// Report is what is read by whom.
type Report struct {
	Rows   []Row    `json:"uses"`
	Unread []Unread `json:"unread"`
	Roles  []Role   `json:"roles"`
	// Notes say what is not known.
	Notes []string `json:"notes"`
	// Problems with what could not be read.
	Problems []manifest.Problem `json:"-"`
	// Objects that were read.
	Objects int `json:"-"`
	// Complete is set if there is nothing else that could read it.
	Complete bool `json:"complete"`
}

// Find finds the uses in a set of manifests that the wanted object has, or all.
func Find(set *manifest.Set, cluster *manifest.Cluster, settings inject.Settings, want Wanted) *Report {
	r := &Report{Rows: []Row{}, Unread: []Unread{}, Notes: []string{}, Problems: set.Problems, Objects: len(set.Objects), Complete: cluster.Complete}
	found := make([][]Row, len(set.Objects))
	set.Each(func(i int, o *manifest.Object) { found[i] = rowsOf(o, cluster, settings) })
	mounted := map[string]bool{}
	for i, o := range set.Objects {
		for _, name := range classesOf(o) {
			mounted[cluster.NamespaceOf(o)+"/"+name] = true
			if !provider.Reserved(name) && cluster.From(o).Class(name) == nil {
				r.Notes = append(r.Notes, fmt.Sprintf("%s/%s in %s mounts the class %s, which is not here: what it reads is not known", o.Kind, o.Name, cluster.NamespaceOf(o), name))
			}
		}
		for _, row := range found[i] {
			if want.Matches(row.Vault, row.Type, row.Object) {
				r.Rows = append(r.Rows, row)
			}
		}
	}
	for _, o := range set.Objects {
		r.addUnread(o, cluster, mounted, want)
	}
	slices.SortStableFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(a.Vault, b.Vault), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Object, b.Object),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload),
		)
	})
	r.Roles = Roles(r.Rows)
	return r
}

func rowsOf(o *manifest.Object, cluster *manifest.Cluster, settings inject.Settings) []Row {
	if going(o) {
		return nil
	}
	view := cluster.From(o)
	pods, _ := o.Pods()
	var rows []Row
	for i := range pods {
		pods[i].Mutating = !pods[i].Template
		request := inject.Parse(pods[i].Target, view.Namespace(), settings)
		decision := inject.Decide(request, view.Facts(request.Needs()))
		for _, use := range decision.Uses() {
			row := Row{
				Cloud: use.Cloud, Vault: use.Vault, Type: use.Object.Type, Object: use.Object.Name,
				Namespace: cluster.NamespaceOf(o), Workload: o.Kind + "/" + o.Name, Class: use.Class, Identity: use.Identity, Takes: inject.TakesNever, Why: "no container mounts the volume",
			}
			if len(use.Readers) == 0 {
				rows = append(rows, row)
			}
			for _, reader := range use.Readers {
				row.Container, row.From, row.Takes, row.Why = reader.Container, reader.From, reader.Takes, reader.Why
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// classesOf are the names of the classes that an object's pods mount.
func classesOf(o *manifest.Object) []string {
	var names []string
	pods, _ := o.Pods()
	for i := range pods {
		names = append(names, provider.ClassNames(pods[i].Spec)...)
		if name, ok := namedClass(pods[i].Target); ok {
			names = append(names, name)
		}
	}
	return names
}

func namedClass(t *workload.Target) (string, bool) {
	name, ok := t.Meta.Annotations[annotation.SecretProviderClass]
	return strings.TrimSpace(name), ok
}

// addUnread adds the objects of a class that no workload of its namespace mounts. What akv-injector has generated is there for pods that run.
func (r *Report) addUnread(o *manifest.Object, cluster *manifest.Cluster, mounted map[string]bool, want Wanted) {
	stored, ok := o.Typed.(*secretsstorev1.SecretProviderClass)
	namespace := cluster.NamespaceOf(o)
	if !ok || provider.Reserved(o.Name) || mounted[namespace+"/"+o.Name] || going(o) {
		return
	}
	class := facts.NewClass(stored)
	if !class.Azure() {
		return
	}
	vault := strings.ToLower(strings.TrimSpace(class.Spec.Parameters[provider.ParamVault]))
	for _, object := range class.Objects {
		if want.Matches(vault, object.Type, object.Name) {
			r.Unread = append(r.Unread, Unread{
				Cloud: provider.CanonicalCloud(class.Spec.Parameters[provider.ParamCloud]), Vault: vault, Type: object.Type, Object: object.Name,
				Namespace: namespace, Class: o.Name,
			})
		}
	}
}

// going reports whether an object is being deleted.
func going(o *manifest.Object) bool {
	if o.Typed == nil {
		return false
	}
	m, err := meta.Accessor(o.Typed)
	return err == nil && m.GetDeletionTimestamp() != nil
}

// Wanted is what is asked about. The zero value is everything.
type Wanted struct{ Vault, Type, Object string }

// ParseWanted reads VAULT, VAULT/OBJECT or VAULT/TYPE/OBJECT.
func ParseWanted(text string) (Wanted, finding.Problem) {
	const most = 3
	parts := strings.Split(text, "/")
	w := Wanted{Vault: strings.ToLower(parts[0])}
	problem := provider.VaultProblem(parts[0])
	switch {
	case problem.Found():
		return w, problem
	case len(parts) > most:
		return w, finding.Problem{What: "has too many slashes", Fix: "write VAULT, VAULT/OBJECT or VAULT/TYPE/OBJECT"}
	case len(parts) == most:
		if w.Type = parts[1]; !slices.Contains([]string{provider.TypeSecret, provider.TypeKey, provider.TypeCert}, w.Type) {
			return w, finding.Problem{What: "names no type of objects", Fix: "write secret, key or cert between the slashes"}
		}
	}
	if len(parts) > 1 {
		if w.Object = parts[len(parts)-1]; w.Object == "" {
			return w, finding.Problem{What: "names no object behind the slash", Fix: "write VAULT/OBJECT, or VAULT alone"}
		}
	}
	return w, finding.Problem{}
}

// Matches reports whether an object is wanted. Names of vaults and objects are case-insensitive in Key Vault.
func (w Wanted) Matches(vault, kind, object string) bool {
	return (w.Vault == "" || strings.EqualFold(w.Vault, vault)) && (w.Type == "" || w.Type == kind) && (w.Object == "" || strings.EqualFold(w.Object, object))
}
