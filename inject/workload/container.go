package workload

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
)

// Names of the lists of containers.
const (
	initContainers = "initContainers"
	containers     = "containers"
)

// Container is a container with its place in the pod spec.
type Container struct {
	*corev1.Container
	// List is the JSON name of the list that it is in.
	List  string
	Index int
}

// Path is the place of the container.
func (c Container) Path(spec *finding.Place) *finding.Place {
	return spec.Child(c.List).Index(c.Index)
}

// EachContainer visits every kind of container that can mount a volume at
// creation: init containers (native sidecars among them), then containers.
// Ephemeral containers do not exist yet then.
func EachContainer(spec *corev1.PodSpec, visit func(Container)) {
	for i := range spec.InitContainers {
		visit(Container{&spec.InitContainers[i], initContainers, i})
	}
	for i := range spec.Containers {
		visit(Container{&spec.Containers[i], containers, i})
	}
}

// ContainerNames are the names of all containers, init containers first.
func ContainerNames(spec *corev1.PodSpec) []string {
	names := make([]string, 0, len(spec.InitContainers)+len(spec.Containers))
	EachContainer(spec, func(c Container) { names = append(names, c.Name) })
	return names
}

// StaysUp reports whether the container keeps running after the pod's start: any container
// that is not an init container, and native sidecars.
func (c Container) StaysUp() bool {
	return c.List != initContainers || c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// In is the container in a copy of its spec.
func (c Container) In(spec *corev1.PodSpec) *corev1.Container {
	if c.List == initContainers {
		return &spec.InitContainers[c.Index]
	}
	return &spec.Containers[c.Index]
}
