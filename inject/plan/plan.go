// Package plan plans what a pod that asks for injection gets: account, volumes, mounts,
// variables, labels, and the classes of the volumes. A [Plan] gives a JSON Patch, and the pod
// spec that results from it.
package plan

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// Plan is the changes to a submitted pod.
type Plan struct {
	// Volumes that are added, or that the pod already has and that are completed.
	Volumes []Volume
	// Classes that must exist before the pod is stored.
	Classes []provider.Class
	// Containers that have the mounts.
	Containers []string
	// Errors in the request that depend on the pod or the cluster.
	Errors []finding.Finding
	// AccountObstacles and MountObstacles keep the plan from being complete. Rules report
	// them.
	AccountObstacles []AccountObstacle
	MountObstacles   []MountObstacle

	account accountPlan
	edits   []containerEdit
	labels  map[string]string
	// annotations that the pod gets, but for its status.
	annotations map[string]string
	status      string
	// gate is set if the pod gets the readiness gate.
	gate bool
}

// Volume is a volume that is added, or an equal one that the pod has and that is completed.
type Volume struct {
	corev1.Volume
	// MountPath in the containers that get it.
	MountPath string
	Request   *request.Mount

	// existing is the index of the pod's own volume, or -1.
	existing int
	// Fields that an existing volume lacks.
	setReadOnly bool
	setInterval bool
}

// containerEdit is the changes to one container.
type containerEdit struct {
	workload.Container
	setReadOnly  []int // indexes of mounts
	removeMounts []int // indexes, ascending
	addMounts    []corev1.VolumeMount
	addEnv       []corev1.EnvVar
}

// planner builds the plan from a request without errors.
type planner struct {
	Plan
	r       *request.Request
	t       *workload.Target
	f       facts.Facts
	windows bool
	version string
}

// maxErrors is the most errors that a plan collects: a pod with as many is refused anyway.
const maxErrors = 200

func (p *planner) fail(typ field.ErrorType, place *finding.Place, message, fix string) {
	if len(p.Errors) >= maxErrors {
		return
	}
	p.Errors = append(p.Errors, finding.Finding{
		Severity: finding.Error, Type: typ, Place: place, Message: message, Fix: fix,
		Lookups: finding.Namespace | finding.ServiceAccounts | finding.Classes,
	})
}

// New plans the injection of a pod that asks for it. The version of the program is for the
// status annotation.
func New(t *workload.Target, r *request.Request, f facts.Facts, version string) *Plan {
	p := &planner{r: r, t: t, f: f, windows: t.Windows(), version: version}
	p.planAccount()
	binding := p.binding()
	p.planVolumes(binding)
	p.Containers = p.chooseContainers()
	p.planContainers(p.Containers)
	p.planLabels()
	if binding {
		p.planBinding()
	}
	p.gate = r.MountedGate && !hasGate(t.Spec)
	p.status = p.statusOf(p.Containers)
	p.checkStatusSize()
	return &p.Plan
}

// Complete reports whether every mount that was asked for has its volume. It is false for a
// template whose ServiceAccount does not exist yet.
func (p *Plan) Complete(r *request.Request) bool { return len(p.Volumes) == len(r.Mounts) }

func (p *planner) planLabels() {
	p.labels = map[string]string{annotation.LabelInjected: "true"}
	if !p.r.IdentityLabel {
		return
	}
	if v, ok := p.t.Meta.Labels[provider.LabelUseWorkloadIdentity]; ok && v != "true" {
		p.fail(field.ErrorTypeInvalid, p.t.LabelsPath().Key(provider.LabelUseWorkloadIdentity),
			fmt.Sprintf("The label has the value %q, but akv-injector would set it to \"true\".", text.Shorten(v)),
			fmt.Sprintf("Remove the label, or set the annotation %s: \"false\".", annotation.WorkloadIdentityLabel))
		return
	}
	p.labels[provider.LabelUseWorkloadIdentity] = "true"
}

// chooseContainers returns the names of the containers that get the mounts: those that the
// annotation names, or else those that the pod had when it was first admitted. In a later
// round the status lists these. It counts only if each of them has all our mounts, so that a
// status from another source changes nothing.
func (p *planner) chooseContainers() []string {
	all := workload.ContainerNames(p.t.Spec)
	if p.r.Containers != nil {
		return slices.DeleteFunc(all, func(n string) bool { return !slices.Contains(p.r.Containers, n) })
	}
	value, ok := p.t.Meta.Annotations[annotation.Status]
	if !ok || p.t.Template {
		return all
	}
	if value == p.statusOf(all) {
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

// statusOf is the status with containers.
func (p *planner) statusOf(containers []string) string {
	return Status{Version: p.version, Containers: containers, Classes: p.Classes}.String()
}

func (p *planner) hasAllMounts(c workload.Container) bool {
	type mount struct{ name, path string }
	has := make(map[mount]bool, len(c.VolumeMounts))
	for i := range c.VolumeMounts {
		if m := &c.VolumeMounts[i]; m.ReadOnly && m.SubPath == "" && m.SubPathExpr == "" {
			has[mount{m.Name, workload.ComparablePath(m.MountPath, p.windows)}] = true
		}
	}
	for i := range p.Volumes {
		if v := &p.Volumes[i]; !has[mount{v.Name, workload.ComparablePath(v.MountPath, p.windows)}] {
			return false
		}
	}
	return true
}

// checkStatusSize reports a status that makes the pod's annotations too large.
func (p *planner) checkStatusSize() {
	size := len(annotation.Status) + len(p.status)
	for k, v := range p.t.Meta.Annotations {
		if k != annotation.Status {
			size += len(k) + len(v)
		}
	}
	if size > request.MaxAnnotations {
		p.fail(field.ErrorTypeTooLong, p.t.AnnotationPath(annotation.Objects),
			fmt.Sprintf("With akv-injector's status the pod would have %d bytes of annotations, but Kubernetes allows only %d.", size, request.MaxAnnotations),
			"Name fewer objects, or shorten the other annotations.")
	}
}
