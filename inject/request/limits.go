package request

import (
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// MaxAnnotations is the API server's bound on all annotations of an object together
// (Kubernetes 1.37.2, TotalAnnotationSizeLimitB).
const MaxAnnotations = 256 * 1024

// Bounds on what is looked at. Kubernetes bounds a pod by its bytes alone, and 3 MiB
// have room for 40,000 mounts, which rules compare with one another: whoever may
// create pods could keep akv-injector busy for minutes. Each bound is several times
// what a pod has that a node can run.
const (
	maxVolumes         = 1000
	maxContainers      = 500
	maxMounts          = 5000 // of all containers
	maxContainerMounts = 1000
	maxEnv             = 500
	// maxAdditions is how many mounts and variables a pod can be given, in all
	// containers together.
	maxAdditions = 20_000
)

// oversize tells why a pod is too large to be looked at.
func oversize(t *workload.Target) finding.FieldErrors {
	var errs finding.FieldErrors
	size := 0
	for k, v := range t.Meta.Annotations {
		size += len(k) + len(v)
	}
	if size > MaxAnnotations {
		errs = append(errs, finding.TooLong(t.MetaPath().Child("annotations"), MaxAnnotations))
	}
	spec := t.Spec
	for _, list := range []struct {
		name     string
		len, max int
	}{
		{"initContainers", len(spec.InitContainers), maxContainers},
		{"containers", len(spec.Containers), maxContainers},
		{"volumes", len(spec.Volumes), maxVolumes},
	} {
		if list.len > list.max {
			errs = append(errs, finding.TooMany(t.SpecPath().Child(list.name), list.len, list.max))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	all := 0
	workload.EachContainer(spec, func(c workload.Container) {
		n := len(c.VolumeMounts)
		all += n
		if n > maxContainerMounts {
			errs = append(errs, finding.TooMany(c.Path(t.SpecPath()).Child("volumeMounts"), n, maxContainerMounts))
		}
	})
	if all > maxMounts && len(errs) == 0 {
		errs = append(errs, finding.TooMany(t.SpecPath().Child("containers"), all, maxMounts))
		errs[0].Problem = finding.Problem{What: "the mounts of all containers together", Fix: errs[0].What}
	}
	return errs
}

// overgrown reports whether the pod would be given too much.
func (p *parser) overgrown() *finding.FieldError {
	t := p.target
	containers := len(t.Spec.InitContainers) + len(t.Spec.Containers)
	n := (len(p.Mounts) + len(p.Env)) * containers
	if n <= maxAdditions {
		return nil
	}
	err := finding.TooMany(t.MetaPath().Child("annotations"), n, maxAdditions)
	err.Problem = finding.Problem{What: "mounts and variables that akv-injector would add to all containers together", Fix: err.What}
	return err
}
