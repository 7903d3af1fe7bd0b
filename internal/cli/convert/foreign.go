package convert

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/text"
)

// foreignSecret is a Secret, or a value, that another operator makes of objects in a Key Vault: akv2k8s
// (AzureKeyVaultSecret, spv.no) or the External Secrets Operator with a store of Azure.
type foreignSecret struct {
	object *manifest.Object
	// secret is the name of the Secret; empty where it makes none.
	secret string
	vault  string
	// objects by the keys of the Secret.
	objects []provider.Object
	// reasons why it has no equal; none if it has one.
	reasons []foreignReason
	used    bool
}

type foreignReason struct {
	where *finding.Place
	why   string
}

func (s *foreignSecret) fail(where *finding.Place, why string) {
	const most = 20
	if len(s.reasons) < most {
		s.reasons = append(s.reasons, foreignReason{where, why})
	}
}

// foreignUse is a place in a pod that uses one.
type foreignUse struct {
	*foreignSecret
	// volume of the pod that has the Secret; -1 for a variable.
	volume int
	place  *finding.Place
	what   string
}

// origin names the object that the value comes from.
func (u foreignUse) origin(c *conversion) string {
	if u.object == c.object {
		return u.reasons[0].why
	}
	return u.object.Kind + " " + u.object.Name
}

// foreignSecrets are those of a set, by the namespace and by the names by which pods use them.
type foreignSecrets struct {
	in  *input
	all []*foreignSecret
}

const (
	groupAKV2K8S = "spv.no"
	groupESO     = "external-secrets.io"
)

func (in *input) findForeign() *foreignSecrets {
	f := &foreignSecrets{in: in}
	for _, o := range in.set.Objects {
		switch {
		case o.Kind == "AzureKeyVaultSecret" && o.GroupVersionKind().Group == groupAKV2K8S:
			f.all = append(f.all, readAKV2K8S(o))
		case o.Kind == "ExternalSecret" && o.GroupVersionKind().Group == groupESO:
			if s := f.readESO(o); s != nil {
				f.all = append(f.all, s)
			}
		}
	}
	f.checkTogether()
	return f
}

// checkTogether finds Secrets to which several objects give keys: one of them alone is not what is mounted.
func (f *foreignSecrets) checkTogether() {
	type key struct{ namespace, secret string }
	first := map[key]*foreignSecret{}
	for _, s := range f.all {
		k := key{f.in.cluster.NamespaceOf(s.object), s.secret}
		if s.secret == "" {
			continue
		}
		other := first[k]
		if other == nil {
			first[k] = s
			continue
		}
		for _, one := range [][2]*foreignSecret{{s, other}, {other, s}} {
			one[0].fail(finding.At("metadata", "name"), fmt.Sprintf("the %s %s gives the Secret %s keys too", one[1].object.Kind, one[1].object.Name, text.Shorten(s.secret)))
		}
	}
}

func readAKV2K8S(o *manifest.Object) *foreignSecret {
	var object struct {
		Spec struct {
			Vault struct {
				Name   string `json:"name"`
				Object struct {
					Name    string `json:"name"`
					Type    string `json:"type"`
					Version string `json:"version"`
				} `json:"object"`
			} `json:"vault"`
			Output struct {
				Secret *struct {
					Name    string `json:"name"`
					DataKey string `json:"dataKey"`
					Type    string `json:"type"`
				} `json:"secret"`
				Transform []string `json:"transform"`
			} `json:"output"`
		} `json:"spec"`
	}
	s := &foreignSecret{object: o}
	if err := json.Unmarshal(o.JSON, &object); err != nil {
		s.fail(finding.At("spec"), "it cannot be read")
		return s
	}
	spec := object.Spec
	s.vault = strings.ToLower(spec.Vault.Name)
	if spec.Output.Secret != nil {
		s.secret = spec.Output.Secret.Name
		one := provider.Object{Name: spec.Vault.Object.Name, Type: provider.TypeSecret}
		if key := spec.Output.Secret.DataKey; key != one.Name {
			one.Alias = key
		}
		s.objects = []provider.Object{one}
	}
	if kind := spec.Vault.Object.Type; kind != "secret" {
		s.fail(finding.At("spec", "vault", "object", "type"), fmt.Sprintf("the object's type %q is written in another form", text.Shorten(kind)))
	}
	if spec.Vault.Object.Version != "" {
		s.fail(finding.At("spec", "vault", "object", "version"), "the object is pinned to a version")
	}
	if len(spec.Output.Transform) > 0 {
		s.fail(finding.At("spec", "output", "transform"), "the value is transformed")
	}
	if spec.Output.Secret != nil && spec.Output.Secret.DataKey == "" {
		s.fail(finding.At("spec", "output", "secret"), "the Secret's dataKey is not set")
	}
	return s
}

// readESO is nil for a store that is not known to be Azure's.
func (f *foreignSecrets) readESO(o *manifest.Object) *foreignSecret {
	var object struct {
		Spec struct {
			SecretStoreRef struct {
				Name string `json:"name"`
				Kind string `json:"kind"`
			} `json:"secretStoreRef"`
			Target struct {
				Name     string          `json:"name"`
				Template json.RawMessage `json:"template"`
				Creation string          `json:"creationPolicy"`
			} `json:"target"`
			Data []struct {
				SecretKey string `json:"secretKey"`
				RemoteRef struct {
					Key      string `json:"key"`
					Property string `json:"property"`
					Version  string `json:"version"`
					Decoding string `json:"decodingStrategy"`
					Metadata string `json:"metadataPolicy"`
				} `json:"remoteRef"`
			} `json:"data"`
			DataFrom []json.RawMessage `json:"dataFrom"`
		} `json:"spec"`
	}
	if json.Unmarshal(o.JSON, &object) != nil {
		return nil
	}
	spec := object.Spec
	vault, known := f.store(o, spec.SecretStoreRef.Kind, spec.SecretStoreRef.Name)
	if !known {
		return nil
	}
	s := &foreignSecret{object: o, secret: spec.Target.Name, vault: vault}
	if s.secret == "" {
		s.secret = o.Name
	}
	fail := s.fail
	if policy := spec.Target.Creation; policy == "Merge" || policy == "None" {
		fail(finding.At("spec", "target", "creationPolicy"), "somebody else makes the Secret, and may put more into it")
	}
	if len(spec.Target.Template) > 0 && string(spec.Target.Template) != "null" {
		fail(finding.At("spec", "target", "template"), "the Secret is made from a template")
	}
	if len(spec.DataFrom) > 0 {
		fail(finding.At("spec", "dataFrom"), "dataFrom takes objects that no list names")
	}
	for i, d := range spec.Data {
		place := finding.At("spec", "data").Index(i).Child("remoteRef")
		kind, name, typed := strings.Cut(d.RemoteRef.Key, "/")
		if !typed {
			kind, name = provider.TypeSecret, d.RemoteRef.Key
		}
		switch {
		case d.RemoteRef.Property != "":
			fail(place.Child("property"), "one property of the object's JSON is taken")
		case d.RemoteRef.Version != "":
			fail(place.Child("version"), "the object is pinned to a version")
		case d.RemoteRef.Decoding != "" && d.RemoteRef.Decoding != "None":
			fail(place.Child("decodingStrategy"), "the value is decoded")
		case d.RemoteRef.Metadata != "" && d.RemoteRef.Metadata != "None":
			fail(place.Child("metadataPolicy"), "the object's tags are taken, not its value")
		case kind != provider.TypeSecret:
			fail(place.Child("key"), fmt.Sprintf("a %s is written in another form", kind))
		}
		one := provider.Object{Name: name, Type: provider.TypeSecret}
		if d.SecretKey != name {
			one.Alias = d.SecretKey
		}
		s.objects = append(s.objects, one)
	}
	if len(s.objects) == 0 {
		fail(finding.At("spec"), "it names no objects")
	}
	return s
}

// store is the vault of a store, if it is one of Azure's and in the input.
func (f *foreignSecrets) store(of *manifest.Object, kind, name string) (vault string, known bool) {
	if kind == "" {
		kind = "SecretStore"
	}
	for _, o := range f.in.set.Objects {
		if o.Kind != kind || o.Name != name || o.GroupVersionKind().Group != groupESO ||
			kind == "SecretStore" && f.in.cluster.NamespaceOf(o) != f.in.cluster.NamespaceOf(of) {
			continue
		}
		var object struct {
			Spec struct {
				Provider struct {
					AzureKV *struct {
						VaultURL string `json:"vaultUrl"`
					} `json:"azurekv"`
				} `json:"provider"`
			} `json:"spec"`
		}
		if json.Unmarshal(o.JSON, &object) != nil || object.Spec.Provider.AzureKV == nil {
			return "", false
		}
		u, err := url.Parse(object.Spec.Provider.AzureKV.VaultURL)
		if err != nil {
			return "", false
		}
		host, _, _ := strings.Cut(u.Hostname(), ".")
		return strings.ToLower(host), true
	}
	return "", false
}

// find is the first one in the workload's namespace that is looked for, or nil.
func (f *foreignSecrets) find(c *conversion, is func(*foreignSecret) bool) *foreignSecret {
	namespace := f.in.cluster.NamespaceOf(c.object)
	var found *foreignSecret
	for _, s := range f.all {
		if f.in.cluster.NamespaceOf(s.object) == namespace && is(s) {
			s.used = true
			if found == nil {
				found = s
			}
		}
	}
	return found
}

// akv2k8sSuffix ends the value of a variable that akv2k8s replaces, NAME@azurekeyvault, before a query (?key).
const akv2k8sSuffix = "@azurekeyvault"

// usedBy finds what in a pod uses the Secrets of other operators.
func (f *foreignSecrets) usedBy(c *conversion) []foreignUse {
	var uses []foreignUse
	spec := c.target.Spec
	named := func(name string) *foreignSecret {
		return f.find(c, func(s *foreignSecret) bool { return s.secret == name && name != "" })
	}
	for i := range spec.Volumes {
		if source := spec.Volumes[i].Secret; source != nil {
			if s := named(source.SecretName); s != nil {
				uses = append(uses, foreignUse{s, i, c.specPath().Child("volumes").Index(i), "The volume " + spec.Volumes[i].Name})
			}
		}
	}
	workload.EachContainer(spec, func(container workload.Container) {
		uses = append(uses, f.usedByContainer(c, container, named)...)
	})
	return uses
}

// usedByContainer finds variables whose values another operator brings.
func (f *foreignSecrets) usedByContainer(c *conversion, container workload.Container, named func(string) *foreignSecret) []foreignUse {
	var uses []foreignUse
	at := container.Path(c.specPath())
	for i := range container.Env {
		e := &container.Env[i]
		place := at.Child("env").Index(i)
		var s *foreignSecret
		if name, injected := strings.CutSuffix(strings.SplitN(e.Value, "?", 2)[0], akv2k8sSuffix); injected {
			s = f.find(c, func(s *foreignSecret) bool { return s.object.Kind == "AzureKeyVaultSecret" && s.object.Name == name })
			if s == nil {
				s = &foreignSecret{object: c.object}
				s.fail(place, "its AzureKeyVaultSecret is not in the input")
			}
		} else if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			s = named(e.ValueFrom.SecretKeyRef.Name)
		}
		if s != nil {
			uses = append(uses, foreignUse{s, -1, place, "The variable " + e.Name})
		}
	}
	for i := range container.EnvFrom {
		if ref := container.EnvFrom[i].SecretRef; ref != nil {
			if s := named(ref.Name); s != nil {
				uses = append(uses, foreignUse{s, -1, at.Child("envFrom").Index(i), "The environment of " + container.Name})
			}
		}
	}
	return uses
}

// unused names those that no workload of the input uses.
func (f *foreignSecrets) unused() []Problem {
	var notes problems
	for _, s := range f.all {
		if !s.used {
			notes.add(s.object, finding.At("metadata", "name"), fmt.Sprintf("The %s %s is not converted: no workload here reads its Secret.", s.object.Kind, s.object.Name),
				"Give the workloads that use it too.")
		}
	}
	return notes
}

// readForeign makes of Secrets in volumes what files of a vault can be. A variable's value is none.
func (c *conversion) readForeign() {
	spec := c.target.Spec
	if len(storeVolumes(spec)) > 0 {
		c.fail(c.foreign[0].place, "The pods have volumes of the secrets store, and use another operator's Secrets too.", "Convert one of the two by hand first.")
		return
	}
	for _, use := range c.foreign {
		if use.volume < 0 {
			c.fail(use.place, fmt.Sprintf("%s has a value of the vault (%s), which no rotation reaches; akv-injector gives files, and variables with their paths.", use.what, use.origin(c)),
				fmt.Sprintf("Have the program read a file, and name it: %s: NAME_FILE=FILE.", annotation.Env))
			continue
		}
		for _, reason := range use.reasons {
			c.problems.add(use.object, reason.where, fmt.Sprintf("The %s %s has no equal: %s.", use.object.Kind, use.object.Name, reason.why), "Keep it for this workload.")
		}
		if len(use.reasons) > 0 {
			continue
		}
		c.readForeignVolume(use)
	}
	if len(c.problems) > 0 {
		return
	}
	c.checkTogether()
	c.notes.add(c.object, c.specPath().Child("serviceAccountName"), "The pods' own ServiceAccount reads the vault now, not the operator's.",
		"Give its identity the right to read the objects (Key Vault Secrets User), before the rollout.")
	for _, use := range c.foreign {
		c.notes.add(use.object, finding.At("metadata", "name"), fmt.Sprintf("The %s %s is kept: something else may read its Secret.", use.object.Kind, use.object.Name), "Remove it once nothing does.")
	}
}

func (c *conversion) readForeignVolume(use foreignUse) {
	given := &c.target.Spec.Volumes[use.volume]
	if len(given.Secret.Items) > 0 || given.Secret.DefaultMode != nil && *given.Secret.DefaultMode&0o044 == 0 {
		c.fail(use.place.Child("secret"), "The volume has items or a mode of its own, which the mounted files would not have.", "Mount the whole Secret without them, and convert again.")
		return
	}
	v := volume{index: use.volume, name: given.Name, source: source{Vault: use.vault, Cloud: provider.DefaultCloud, Objects: slices.Clone(use.objects)}, inOrder: use.objects}
	v.Cloud = provider.CanonicalCloud(v.Cloud)
	slices.SortStableFunc(v.Objects, func(a, b provider.Object) int { return strings.Compare(a.File(), b.File()) })
	c.readMounts(&v)
	c.volumes = append(c.volumes, v)
}

// viewOfForeign is what the pods have today, as files of a vault.
func (c *conversion) viewOfForeign() view {
	v := viewOf(c.target.Meta, c.target.Spec, nil)
	for _, volume := range c.volumes {
		for _, container := range volume.containers {
			v.Mounts = append(v.Mounts, mountView{container, volume.path, volume.source, ""})
		}
	}
	v.sort()
	return v
}
