package rules

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/plan"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// Pod is a pod, or the template of pods, as it will be after admission. Rules check it.
type Pod struct {
	Target  *workload.Target
	Request *request.Request
	Policy  *policy.Policy
	Facts   facts.Facts
	// Plan is empty if the pod asks for nothing.
	Plan *plan.Plan
	// Spec after the plan is applied.
	Spec *corev1.PodSpec
	// Volumes of the secrets store in Spec.
	Volumes []Volume

	// byName are the indexes of Volumes, if there are many.
	byName map[string]int
	// vaults are the objects to check in vaults; see findVaultChecks.
	vaults *vaultCheckList
	// alone and whole are the pod by itself, and with its workload, for programs that restart it; see reloaded.
	alone, whole *annotation.Reloaded
}

// NewPod applies the plan and finds the secrets-store volumes of the result.
func NewPod(t *workload.Target, r *request.Request, p *policy.Policy, f facts.Facts, planned *plan.Plan) *Pod {
	pod := &Pod{Target: t, Request: r, Policy: p, Facts: f, Plan: planned, Spec: t.Spec}
	if r.Asks {
		pod.Spec = planned.Apply(t)
	}
	pod.findVolumes()
	return pod
}

// namespace is the name of the pod's namespace, or "" where it is not known.
func (p *Pod) namespace() string {
	if p.Facts.Namespace != nil {
		return p.Facts.Namespace.Name
	}
	return p.Target.Namespace()
}

// editClass is the command that opens a class in an editor.
func (p *Pod) editClass(name string) string {
	return text.Command("kubectl edit secretproviderclass (-n {namespace}) {class}", text.Values{"namespace": p.namespace(), "class": name})
}

// Check runs the rules, except those that need the vaults' answers.
func (p *Pod) Check() []finding.Finding {
	return p.findings(func(r *Rule) bool { return !r.AsksVaults })
}

// CheckVaults runs the rules that need the vaults' answers, which are among the facts.
func (p *Pod) CheckVaults() []finding.Finding {
	return p.findings(func(r *Rule) bool { return r.AsksVaults })
}

// CheckOutdated runs the rules that find a running container with outdated content although
// the mount is current.
func (p *Pod) CheckOutdated() []finding.Finding {
	return p.findings(func(r *Rule) bool { return r.Outdates })
}

func (p *Pod) findings(which func(*Rule) bool) []finding.Finding {
	var report Report
	for i := range all {
		r := &all[i]
		if r.Pod == nil || r.PodsOnly && p.Target.Template || r.TemplatesOnly && !p.Target.Template || !which(r) {
			continue
		}
		report.start(&r.Rule)
		r.Pod(p, &report)
	}
	return report.findings
}

// Volume is a secrets-store volume of a pod as it will be after admission.
type Volume struct {
	facts.Volume
	// Looked is set if it is known whether Class exists.
	Looked bool
	// Generated is the class that the plan generates for the volume, or nil.
	Generated *provider.Class
	// Asked is the annotation that asks for the volume, or nil if the pod already had it.
	Asked *finding.Place

	place *finding.Place
	// askedPath is the mount path that the annotation asks for.
	askedPath string
	// waived are the rules that the class waives for its own content.
	waived map[string]bool
}

// otherAttributes are the keys of the volume's attributes, sorted, but for its class, its interval and what the kubelet adds.
func (v *Volume) otherAttributes() []string {
	var keys []string
	for key := range v.CSI.VolumeAttributes {
		if key != provider.AttributeClass && key != provider.AttributeInterval && !strings.HasPrefix(key, provider.PodContextPrefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Azure reports whether the Azure provider mounts the volume.
func (v *Volume) Azure() bool { return v.Generated != nil || v.Class.Azure() }

// ByHand reports whether the Azure provider mounts the volume and its class is not generated.
func (v *Volume) ByHand() bool { return v.Generated == nil && v.Class.Azure() }

// ofClass is the name of the class if its content alone reaches the provider, without attributes of the volume.
func (v *Volume) ofClass() string {
	for key := range v.CSI.VolumeAttributes {
		if key != provider.AttributeClass && key != provider.AttributeInterval {
			return ""
		}
	}
	return v.ClassName
}

// classParameters returns the parameters of the class, without the volume's attributes.
func (v *Volume) classParameters() map[string]string {
	switch {
	case v.Generated != nil:
		return v.Generated.Parameters
	case v.Class != nil:
		return v.Class.Spec.Parameters
	}
	return nil
}

func (v *Volume) attributePlace(key string) *finding.Place {
	return v.place.Child("csi", "volumeAttributes").Key(key)
}

// classPlace returns where the class was named. If an annotation asks for the volume, that is
// the annotation, because its author never sees the volume.
func (v *Volume) classPlace() *finding.Place {
	if v.Asked != nil {
		return v.Asked
	}
	return v.attributePlace(provider.AttributeClass)
}

func (p *Pod) findVolumes() {
	for i := range p.Spec.Volumes {
		name, ok := provider.ClassName(&p.Spec.Volumes[i])
		if !ok {
			continue
		}
		v := Volume{place: p.Target.SpecPath().Child("volumes").Index(i)}
		class, looked := p.Facts.Classes[name]
		if j := slices.IndexFunc(p.Plan.Classes, func(c provider.Class) bool { return c.Name == name }); j >= 0 {
			v.Generated, class = &p.Plan.Classes[j], nil
		}
		v.Looked, v.Volume = looked, facts.NewVolume(&p.Spec.Volumes[i], name, class)
		if v.Generated != nil {
			v.Parameters = facts.Over(v.Generated.Parameters, v.Volume.Volume)
		}
		for j := range p.Plan.Volumes {
			if planned := &p.Plan.Volumes[j]; planned.Name == v.Name {
				v.Asked, v.askedPath = planned.Request.FieldPath, planned.MountPath
			}
		}
		v.waived = p.Policy.WaivedBy(class)
		p.Volumes = append(p.Volumes, v)
	}
}

// volume returns the secrets-store volume with a name, or nil.
func (p *Pod) volume(name string) *Volume {
	if len(p.Volumes) > few {
		if i, ok := p.names()[name]; ok {
			return &p.Volumes[i]
		}
		return nil
	}
	for i := range p.Volumes {
		if p.Volumes[i].Name == name {
			return &p.Volumes[i]
		}
	}
	return nil
}

// few volumes are found faster without a map.
const few = 8

func (p *Pod) names() map[string]int {
	if p.byName == nil {
		p.byName = make(map[string]int, len(p.Volumes))
		for i := range p.Volumes {
			if _, ok := p.byName[p.Volumes[i].Name]; !ok { // the first counts, as without the map
				p.byName[p.Volumes[i].Name] = i
			}
		}
	}
	return p.byName
}

// ObjectsIn returns the objects in a volume, and where they were named.
func (p *Pod) ObjectsIn(v *Volume) ([]provider.Object, *finding.Place) {
	if v.Generated != nil && v.Asked != nil {
		for i := range p.Request.Mounts {
			if m := &p.Request.Mounts[i]; m.FieldPath == v.Asked {
				return m.Objects, v.Asked
			}
		}
	}
	return v.Objects, v.classPlace()
}

// Mount is a mount with its place in a container.
type Mount struct {
	*corev1.VolumeMount
	Container workload.Container
	index     int
}

// place is called only for findings, because most mounts have none.
func (m Mount) place(t *workload.Target) *finding.Place {
	return m.Container.Path(t.SpecPath()).Child("volumeMounts").Index(m.index)
}

// EachMount visits the mounts of all containers.
func (p *Pod) EachMount(visit func(Mount)) {
	workload.EachContainer(p.Spec, func(c workload.Container) {
		for i := range c.VolumeMounts {
			visit(Mount{&c.VolumeMounts[i], c, i})
		}
	})
}
