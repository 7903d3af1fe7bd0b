package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// Takes says how a container takes a new version of an object.
type Takes string

// Ways to take it, the best first.
const (
	// TakesFile means that the file has the new version, for a program that reads it again.
	TakesFile Takes = "file"
	// TakesRestart means that something restarts the workload.
	TakesRestart Takes = "restart"
	// TakesNextRun means that it runs to its end, and the next run has it.
	TakesNextRun Takes = "next run"
	// TakesNever means that only somebody who restarts or changes it helps.
	TakesNever Takes = "never"
)

// Use is the use of an object of a vault by a pod.
type Use struct {
	Cloud, Vault string
	Object       provider.Object
	// Class that mounts it, or "" for one that is generated.
	Class    string
	Identity Identity
	// Readers are the containers that read it; none means that the volume is mounted nowhere.
	Readers []Reader
}

// Identity reads the vault.
type Identity struct {
	// Account is the pod's.
	Account string `json:"serviceAccount"`
	// ClientID is empty if it is not known, or if it is not the account's identity that reads the vault.
	ClientID string `json:"clientID,omitempty"`
	// TenantID is empty if it is not known.
	TenantID string `json:"tenantID,omitempty"`
	// Kind of the identity in a word or two.
	Kind string `json:"kind"`
}

// Kinds of identities.
const (
	KindFederated        = "workload identity"
	KindBinding          = "identity binding"
	KindNode             = "the node's identity"
	KindServicePrincipal = "a service principal"
	KindUnknown          = "unknown"
)

// Reader is a container that reads an object.
type Reader struct {
	Container string
	// From is the file or the variable.
	From  string
	Takes Takes
	// Why it takes it so, if that is not by the file.
	Why string
}

// Uses are the objects that the pod reads, whether or not a rule refuses the pod.
func (p *Pod) Uses() []Use {
	u := &users{pod: p, once: p.readingOnce(), synced: p.syncedSecrets(), reloads: p.reloader()}
	u.secrets = p.mountedSecrets(u.synced)
	var uses []Use
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if !v.Azure() {
			continue
		}
		objects, _ := p.ObjectsIn(v)
		use := Use{Cloud: provider.CanonicalCloud(v.Parameter(provider.ParamCloud)), Vault: strings.ToLower(v.Parameter(provider.ParamVault)), Identity: p.identityOf(v)}
		if v.Generated == nil {
			use.Class = v.ClassName
		}
		for _, o := range objects {
			use.Object, use.Readers = o, u.readers(v, o)
			uses = append(uses, use)
		}
	}
	return append(uses, u.unplanned()...)
}

func (p *Pod) identityOf(v *Volume) Identity {
	i := Identity{Account: workload.AccountOf(p.Spec), ClientID: strings.ToLower(v.Parameter(provider.ParamClient)), TenantID: strings.ToLower(v.Parameter(provider.ParamTenant))}
	switch {
	case provider.IsOn(v.Parameters, provider.ParamVMIdentity), provider.IsOn(v.Parameters, provider.ParamPodIdentity):
		i.ClientID, i.Kind = strings.ToLower(v.Parameter(provider.ParamUserAssignedID)), KindNode
	case provider.IsOn(v.Parameters, provider.ParamTokenProxy):
		i.Kind = KindBinding
	case i.ClientID != "":
		i.Kind = KindFederated
	case v.CSI.NodePublishSecretRef != nil:
		i.Kind = KindServicePrincipal
	default:
		i.Kind = KindUnknown
	}
	return i
}

// users finds who reads an object in a pod.
type users struct {
	pod *Pod
	// once are the containers whose commands read a mounted file once.
	once map[string]bool
	// synced are the Secrets that mounted classes sync; secrets the volumes that have one.
	synced  map[string]*secretsstorev1.SecretObject
	secrets map[string]string
	reloads func(secret string, annotations map[string]string) bool
}

func (u *users) readers(v *Volume, o provider.Object) []Reader {
	var readers []Reader
	u.pod.EachMount(func(m Mount) {
		if m.Name == v.Name && within(o.File(), m.SubPath) {
			readers = append(readers, u.reader(m, o, fileIn(m, o.File(), u.pod.Target.Windows()), u.pod.reloadedOnClass(v)))
		}
		if secret := u.secrets[m.Name]; secret != "" && v.Class.Syncs(secret) {
			for _, key := range keysWith(u.synced[secret], o) {
				if within(key, m.SubPath) {
					readers = append(readers, u.reader(m, o, fileIn(m, key, u.pod.Target.Windows()), u.reloads(secret, u.synced[secret].Annotations)))
				}
			}
		}
	})
	workload.EachContainer(u.pod.Spec, func(c workload.Container) {
		readers = append(readers, u.variables(c, v, o)...)
	})
	return readers
}

// within reports whether a mount with a subPath has the file. Of a subPathExpr that is not known.
func within(file, subPath string) bool {
	subPath = path.Clean("/" + subPath)
	return subPath == "/" || "/"+file == subPath || strings.HasPrefix("/"+file, subPath+"/")
}

// fileIn is where a mount has a file of its volume.
func fileIn(m Mount, file string, windows bool) string {
	sub := strings.Trim(m.SubPath, "/")
	switch sub {
	case "":
		return workload.FilePath(m.MountPath, file, windows)
	case file:
		return m.MountPath
	}
	return workload.FilePath(m.MountPath, strings.TrimPrefix(file, sub+"/"), windows)
}

// keysWith are the keys of a synced Secret that have the object's content.
func keysWith(secret *secretsstorev1.SecretObject, o provider.Object) []string {
	var keys []string
	for _, d := range secret.Data {
		if d != nil && d.ObjectName == o.File() {
			keys = append(keys, d.Key)
		}
	}
	return keys
}

func (u *users) reader(m Mount, o provider.Object, from string, reloaded bool) Reader {
	r := Reader{Container: m.Container.Name, From: from}
	stale := ""
	switch {
	case m.SubPath+m.SubPathExpr != "":
		stale = "it mounts the file with a subPath"
	case u.once[m.Container.Name]:
		stale = "its command reads the file once, when it starts"
	}
	r.Takes, r.Why = u.takes(m.Container, o, reloaded, stale)
	return r
}

// takes says how a container takes a version. Stale is why it keeps what it started with, if it does.
func (u *users) takes(c workload.Container, o provider.Object, reloaded bool, stale string) (Takes, string) {
	switch {
	case o.Pinned():
		return TakesNever, fmt.Sprintf("the version %s is pinned", text.Shorten(o.Version))
	case u.pod.Target.RunsToCompletion():
		return TakesNextRun, "it runs to its end"
	case !c.StaysUp():
		return TakesNextRun, "it is an init container"
	case reloaded:
		return TakesRestart, "a reloader restarts the workload"
	case u.pod.restarts():
		return TakesRestart, "akv-injector restarts the workload (on-rotation)"
	case stale != "":
		return TakesNever, stale
	}
	return TakesFile, ""
}

// variables are those of a container that have the object's content, by a Secret that is synced.
func (u *users) variables(c workload.Container, v *Volume, o provider.Object) []Reader {
	var readers []Reader
	add := func(variable, secret string) {
		r := Reader{Container: c.Name, From: "variable " + variable}
		r.Takes, r.Why = u.takes(c, o, u.reloads(secret, u.synced[secret].Annotations), "a variable keeps its value")
		readers = append(readers, r)
	}
	of := func(secret string) []string {
		if u.synced[secret] == nil || !v.Class.Syncs(secret) {
			return nil
		}
		return keysWith(u.synced[secret], o)
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.SecretKeyRef != nil && slices.Contains(of(from.SecretKeyRef.Name), from.SecretKeyRef.Key) {
			add(c.Env[i].Name, from.SecretKeyRef.Name)
		}
	}
	for i := range c.EnvFrom {
		if ref := c.EnvFrom[i].SecretRef; ref != nil {
			for _, key := range of(ref.Name) {
				add(c.EnvFrom[i].Prefix+key, ref.Name)
			}
		}
	}
	return readers
}

// unplanned are the objects that the pod asks for, and that it has no volume for yet: its identity is not known, or it is
// refused.
func (u *users) unplanned() []Use {
	p := u.pod
	var uses []Use
	for i := range p.Request.Mounts {
		m := &p.Request.Mounts[i]
		if m.Class != "" || m.Vault == "" || slices.ContainsFunc(p.Volumes, func(v Volume) bool { return v.Asked == m.FieldPath }) {
			continue
		}
		use := Use{
			Cloud: provider.CanonicalCloud(p.Request.Cloud.Value), Vault: m.Vault,
			Identity: Identity{Account: p.Request.AccountPlanned(), ClientID: strings.ToLower(p.Request.ClientID.Value), Kind: KindUnknown},
		}
		switch {
		case p.Request.IdentityMode.Value == annotation.IdentityBinding:
			use.Identity.Kind = KindBinding
		case use.Identity.ClientID != "":
			use.Identity.Kind = KindFederated
		}
		for _, o := range m.Objects {
			use.Object, use.Readers = o, u.asking(m, o)
			uses = append(uses, use)
		}
	}
	return uses
}

func (u *users) asking(m *request.Mount, o provider.Object) []Reader {
	var readers []Reader
	workload.EachContainer(u.pod.Spec, func(c workload.Container) {
		if chosen := u.pod.Request.Containers; chosen != nil && !slices.Contains(chosen, c.Name) {
			return
		}
		mount := Mount{VolumeMount: &corev1.VolumeMount{MountPath: m.Path}, Container: c}
		readers = append(readers, u.reader(mount, o, workload.FilePath(m.Path, o.File(), u.pod.Target.Windows()), false))
	})
	return readers
}

// readingOnce are the containers whose commands read a mounted file once, as AKV028 finds them.
func (p *Pod) readingOnce() map[string]bool {
	var report Report
	report.start(&readOnce.Rule)
	checkReadOnce(p, &report)
	once := map[string]bool{}
	if len(report.findings) == 0 {
		return once
	}
	workload.EachContainer(p.Spec, func(c workload.Container) {
		at := c.Path(p.Target.SpecPath()).String() + "."
		once[c.Name] = slices.ContainsFunc(report.findings, func(f finding.Finding) bool { return strings.HasPrefix(f.Place.String(), at) })
	})
	return once
}
