package request

import (
	"fmt"
	"strings"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
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
	maxContainerNames  = 1000 // in the annotation containers
	// MaxVaults is how many vaults a pod may name. Each is a volume, and a call of the
	// provider at every mount and poll.
	MaxVaults = 100
	// maxOwnKeys is how many annotations, and how many labels, may begin with our prefix.
	maxOwnKeys = 500
	// maxAttributes is how many bytes the attributes of all secrets-store volumes may have.
	maxAttributes = 128 << 10
	// MaxLookups is how many ServiceAccounts and classes are looked up for a pod. It can
	// name a class per volume, and each that is not cached is a call to the API server.
	MaxLookups = 200
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
		errs = append(errs, finding.TooLong(t.AnnotationsPath(), MaxAnnotations))
	}
	errs = append(errs, tooManyKeys(t)...)
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
	if errs = append(errs, oversizeVolumes(t)...); len(errs) > 0 {
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

// tooManyKeys reports more annotations or labels of ours than a pod can need, on the pod or on
// the workload around its template. Each of them is an error of its own if it is misspelt.
func tooManyKeys(t *workload.Target) finding.FieldErrors {
	var errs finding.FieldErrors
	check := func(keys map[string]string, place func() *finding.Place) {
		n := 0
		for k := range keys {
			if strings.HasPrefix(k, annotation.Prefix) {
				n++
			}
		}
		if n > maxOwnKeys {
			errs = append(errs, finding.TooMany(place(), n, maxOwnKeys))
		}
	}
	check(t.Meta.Annotations, func() *finding.Place { return t.AnnotationsPath() })
	check(t.Meta.Labels, func() *finding.Place { return t.LabelsPath() })
	if t.Owner != nil {
		check(t.Owner.Annotations, func() *finding.Place { return finding.At("metadata", "annotations") })
		check(t.Owner.Labels, func() *finding.Place { return finding.At("metadata", "labels") })
	}
	return errs
}

// oversizeVolumes reports secrets-store volumes that name too many classes, or whose
// attributes are too long.
func oversizeVolumes(t *workload.Target) finding.FieldErrors {
	var errs finding.FieldErrors
	bytes, classes := 0, map[string]bool{}
	for i := range t.Spec.Volumes {
		name, ok := provider.ClassName(&t.Spec.Volumes[i])
		if !ok {
			continue
		}
		for k, v := range t.Spec.Volumes[i].CSI.VolumeAttributes {
			bytes += len(k) + len(v)
		}
		classes[name] = true
	}
	// The ServiceAccount before and after are looked up too.
	if n, most := len(classes), MaxLookups-2; n > most {
		errs = append(errs, finding.TooMany(t.SpecPath().Child("volumes"), n, most))
		errs[len(errs)-1].Problem = finding.Problem{
			What: fmt.Sprintf("must name at most %d SecretProviderClasses", most),
			Fix:  fmt.Sprintf("reduce the number of classes to at most %d", most),
		}
	}
	if bytes > maxAttributes {
		errs = append(errs, finding.TooLong(t.SpecPath().Child("volumes"), maxAttributes))
		errs[len(errs)-1].Problem = finding.Problem{
			What: fmt.Sprintf("the volumeAttributes of all secrets-store volumes must have at most %d bytes", maxAttributes),
			Fix:  "remove attributes that the driver does not read",
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
	err := finding.TooMany(t.AnnotationsPath(), n, maxAdditions)
	err.Problem = finding.Problem{
		What: fmt.Sprintf("akv-injector adds at most %d mounts and variables to all containers together", maxAdditions),
		Fix:  "reduce the number of vaults, variables or containers",
	}
	return err
}
