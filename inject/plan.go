package inject

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// plan is what changes in a pod, in terms of the pod as it stands.
type plan struct {
	account  accountPlan
	volumes  []volumePlan
	edits    []containerEdit
	labels   map[string]string
	status   Status
	classes  []provider.Class
	findings []Finding
}

// volumePlan is a volume that is added, or an equal one of the pod's own that is completed.
type volumePlan struct {
	// existing is the index of the pod's own volume, or -1.
	existing int
	volume   corev1.Volume
	// Of an existing volume: what it lacks.
	setReadOnly bool
	setInterval bool
	// path in the containers that get it.
	mountPath string
	request   *MountRequest
}

// containerEdit is what changes in one container.
type containerEdit struct {
	workload.Container
	setReadOnly  []int // indexes of mounts
	removeMounts []int // indexes, rising
	addMounts    []corev1.VolumeMount
	addEnv       []corev1.EnvVar
}

// planner builds the plan from a request without errors.
type planner struct {
	plan
	r       *Request
	t       *workload.Target
	f       facts.Facts
	windows bool
}

func (p *planner) fail(rule string, typ field.ErrorType, path *finding.Place, message, fix string) {
	p.findings = append(p.findings, Finding{
		Rule: rule, Name: ruleName(rule), Severity: Error, Type: typ, Place: path, Message: message, Fix: fix,
	})
}

func newPlan(t *workload.Target, r *Request, f facts.Facts, version string) plan {
	p := &planner{r: r, t: t, f: f, windows: t.Windows()}
	p.planAccount()
	p.planVolumes()
	chosen := p.chooseContainers()
	p.planContainers(chosen)
	p.planLabels()
	p.status = Status{Version: version, Containers: chosen, Classes: p.classes}
	return p.plan
}

func (p *planner) planLabels() {
	p.labels = map[string]string{annotation.LabelInjected: "true"}
	if !p.r.IdentityLabel {
		return
	}
	if v, ok := p.t.Meta.Labels[provider.LabelUseWorkloadIdentity]; ok && v != "true" {
		p.fail("", field.ErrorTypeInvalid, p.t.MetaPath().Child("labels").Key(provider.LabelUseWorkloadIdentity),
			fmt.Sprintf("The label has the value %q, where akv-injector would write \"true\".", text.Shorten(v)),
			fmt.Sprintf("Remove the label, or set the annotation %s: \"false\".", annotation.WorkloadIdentityLabel))
		return
	}
	p.labels[provider.LabelUseWorkloadIdentity] = "true"
}

// chooseContainers names the containers that get the mounts: those that are named,
// else those that the pod had when it was first admitted. On a later round the
// status says which those were; it counts only if each has every mount of ours, so
// that a status that somebody else wrote changes nothing.
func (p *planner) chooseContainers() []string {
	all := workload.ContainerNames(p.t.Spec)
	if p.r.Containers != nil {
		return slices.DeleteFunc(all, func(n string) bool { return !slices.Contains(p.r.Containers, n) })
	}
	value, ok := p.t.Meta.Annotations[annotation.Status]
	if !ok || p.t.Template {
		return all
	}
	status, err := ParseStatus(value)
	if err != nil || len(status.Containers) == 0 {
		return all
	}
	held := 0
	workload.EachContainer(p.t.Spec, func(c workload.Container) {
		if slices.Contains(status.Containers, c.Name) && p.hasAllMounts(c) {
			held++
		}
	})
	if held != len(status.Containers) {
		return all
	}
	return slices.DeleteFunc(all, func(n string) bool { return !slices.Contains(status.Containers, n) })
}

func (p *planner) hasAllMounts(c workload.Container) bool {
	for i := range p.volumes {
		v := &p.volumes[i]
		if !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
			return m.Name == v.volume.Name && m.ReadOnly && m.SubPath == "" && m.SubPathExpr == "" && p.samePath(m.MountPath, v.mountPath)
		}) {
			return false
		}
	}
	return true
}

func (p *planner) samePath(a, b string) bool {
	return workload.ComparablePath(a, p.windows) == workload.ComparablePath(b, p.windows)
}
