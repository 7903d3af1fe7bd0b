package workload

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
)

// Identity is a place with names instead of indexes: a container that is inserted in a list
// changes the indexes of those after it.
func (t *Target) Identity(place *finding.Place) string {
	if !place.Below(t.SpecPath()) {
		return place.Shape()
	}
	var b strings.Builder
	steps := place.Steps()
	for i, s := range steps {
		b.WriteByte('.')
		if s.Kind != finding.Element {
			b.WriteString(strconv.Quote(s.Name))
			continue
		}
		b.WriteString(t.elementName(steps[len(t.SpecPath().Steps()) : i+1]))
	}
	return b.String()
}

// elementName is the name of the element at the end of steps, which begin in the pod's spec,
// or its index if it has no name.
func (t *Target) elementName(steps []finding.Step) string {
	index := steps[len(steps)-1].Index
	switch {
	case len(steps) == 2 && steps[0].Name == "volumes" && index < len(t.Spec.Volumes):
		return t.Spec.Volumes[index].Name
	case len(steps) == 2:
		if c := t.container(steps[0].Name, index); c != nil {
			return c.Name
		}
	case len(steps) == 4:
		if c := t.container(steps[0].Name, steps[1].Index); c != nil {
			return elementName(c, steps[2].Name, index)
		}
	}
	return strconv.Itoa(index)
}

// container is the container at an index of a list, or nil.
func (t *Target) container(list string, index int) *corev1.Container {
	containers := t.Spec.Containers
	switch list {
	case "initContainers":
		containers = t.Spec.InitContainers
	case "containers":
	default:
		return nil
	}
	if index >= len(containers) {
		return nil
	}
	return &containers[index]
}

func elementName(c *corev1.Container, list string, i int) string {
	switch {
	case list == "volumeMounts" && i < len(c.VolumeMounts):
		return c.VolumeMounts[i].Name + " at " + c.VolumeMounts[i].MountPath
	case list == "env" && i < len(c.Env):
		return c.Env[i].Name
	case list == "envFrom" && i < len(c.EnvFrom):
		from := c.EnvFrom[i]
		if from.SecretRef != nil {
			return from.Prefix + " " + from.SecretRef.Name
		}
	}
	return ""
}
