package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
)

// containerRef is a container with its place in the pod spec.
type containerRef struct {
	*corev1.Container
	// list is the JSON name of the list that it stands in.
	list  string
	index int
}

func (c containerRef) path(spec *finding.Place) *finding.Place {
	return spec.Child(c.list).Index(c.index)
}

// eachContainer visits every kind of container that can mount a volume at
// creation: init containers (native sidecars among them), then containers.
// Ephemeral containers do not exist yet then.
func eachContainer(spec *corev1.PodSpec, visit func(containerRef)) {
	for i := range spec.InitContainers {
		visit(containerRef{&spec.InitContainers[i], "initContainers", i})
	}
	for i := range spec.Containers {
		visit(containerRef{&spec.Containers[i], "containers", i})
	}
}

func containerNames(spec *corev1.PodSpec) []string {
	names := make([]string, 0, len(spec.InitContainers)+len(spec.Containers))
	eachContainer(spec, func(c containerRef) { names = append(names, c.Name) })
	return names
}
