package inject

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"akv-injector/inject/finding"
)

// letPass is said of an error that an update did not bring.
const letPass = "let pass: it was so before this update"

// OnUpdate turns those errors into warnings that the object had before: whoever scales,
// restarts or bumps an image must not be stopped by what was there already. An update
// that leaves the pods as they were brings no error at all.
func OnUpdate(now, before *Target, findings, had []Finding) []Finding {
	if equality.Semantic.DeepEqual(now.Spec, before.Spec) &&
		equality.Semantic.DeepEqual(now.Meta.Annotations, before.Meta.Annotations) &&
		equality.Semantic.DeepEqual(now.Meta.Labels, before.Meta.Labels) {
		return spareKnown(findings, func(Finding) bool { return true })
	}
	return spareHad(findings, had, now.same, before.same)
}

// OnClassUpdate is OnUpdate for a SecretProviderClass, whose objects are a list without names.
func OnClassUpdate(findings, had []Finding) []Finding {
	same := func(f Finding) sameFinding { return sameFinding{f.Rule, f.Place.Shape(), f.Message} }
	return spareHad(findings, had, same, same)
}

// spareHad spares each finding once for each time that the object had it before.
func spareHad(findings, had []Finding, now, before func(Finding) sameFinding) []Finding {
	counts := map[sameFinding]int{}
	for _, f := range had {
		counts[before(f)]++
	}
	return spareKnown(findings, func(f Finding) bool {
		key := now(f)
		counts[key]--
		return counts[key] >= 0
	})
}

func spareKnown(findings []Finding, known func(Finding) bool) []Finding {
	spared := make([]Finding, 0, len(findings))
	for _, f := range findings {
		if f.Severity == Error && known(f) {
			f = f.Downgraded(letPass)
		}
		spared = append(spared, f)
	}
	return finding.Sort(spared)
}

// sameFinding is what two findings have in common that are about the same thing, in
// objects whose lists may be in another order.
type sameFinding struct{ rule, place, message string }

func (t *Target) same(f Finding) sameFinding {
	return sameFinding{f.Rule, t.identity(f.Place), f.Message}
}

// identity is a place with names instead of indexes: a container that is put before
// another one moves all that is behind it.
func (t *Target) identity(place *finding.Place) string {
	if !place.Below(t.specPath()) {
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
		b.WriteString(t.elementName(steps[len(t.specPath().Steps()) : i+1]))
	}
	return b.String()
}

// elementName names the element that the steps lead to from the pod's spec. Elements that
// have no name stay what they are by their index.
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

// container is the one of that list and index, or nil.
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
