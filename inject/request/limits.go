package request

import (
	"fmt"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// MaxAnnotations is the API server's limit for all annotations of an object together
// (Kubernetes 1.37.2, TotalAnnotationSizeLimitB).
const MaxAnnotations = 256 * 1024

// Limits of the pods that are checked. Kubernetes limits only the bytes of a pod, and 3 MiB
// have room for 40,000 mounts, which rules compare with one another: a user who may create
// pods could keep akv-injector busy for minutes. Each limit is several times what a pod
// that a node can run has.
const (
	maxVolumes         = 1000
	maxContainers      = 500
	maxMounts          = 5000 // of all containers
	maxContainerMounts = 1000
	maxEnv             = 500
	// maxAdditions is how many mounts and variables may be added to all containers of a
	// pod together.
	maxAdditions = 20_000
)

// oversize reports why a pod is too large to be checked.
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
		errs[0].Problem = finding.Problem{
			What: fmt.Sprintf("all containers together must have at most %d mounts", maxMounts),
			Fix:  fmt.Sprintf("reduce their mounts to at most %d", maxMounts),
		}
	}
	return errs
}

// overgrown reports that too many mounts and variables would be added to the pod.
func (p *parser) overgrown() *finding.FieldError {
	t := p.target
	containers := len(t.Spec.InitContainers) + len(t.Spec.Containers)
	n := (len(p.Mounts) + len(p.Env)) * containers
	if n <= maxAdditions {
		return nil
	}
	err := finding.TooMany(t.MetaPath().Child("annotations"), n, maxAdditions)
	err.Problem = finding.Problem{
		What: fmt.Sprintf("akv-injector adds at most %d mounts and variables to all containers together", maxAdditions),
		Fix:  "reduce the number of vaults, variables or containers",
	}
	return err
}
