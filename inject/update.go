package inject

import (
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// letPass is said of an error that an update did not bring.
const letPass = " (let pass: it was so before this update)"

// OnUpdate turns those errors into warnings that the object had before: whoever scales,
// restarts or bumps an image must not be stopped by what was there already. An update
// that leaves the pods as they were brings no error at all.
func OnUpdate(now, before *Target, findings, had []Finding) []Finding {
	if equality.Semantic.DeepEqual(now.Spec, before.Spec) &&
		equality.Semantic.DeepEqual(now.Meta.Annotations, before.Meta.Annotations) &&
		equality.Semantic.DeepEqual(now.Meta.Labels, before.Meta.Labels) {
		return spareKnown(findings, func(Finding) bool { return true })
	}
	counts := map[sameFinding]int{}
	for _, f := range had {
		counts[before.same(f)]++
	}
	return spareKnown(findings, func(f Finding) bool {
		key := now.same(f)
		counts[key]--
		return counts[key] >= 0
	})
}

// OnClassUpdate is OnUpdate for a SecretProviderClass, whose objects are a list without names.
func OnClassUpdate(findings, had []Finding) []Finding {
	counts := map[Finding]int{}
	place := func(f Finding) Finding {
		f.Field = elementIndex.ReplaceAllString(f.Field, "[]")
		return f
	}
	for _, f := range had {
		counts[place(f)]++
	}
	return spareKnown(findings, func(f Finding) bool {
		key := place(f)
		counts[key]--
		return counts[key] >= 0
	})
}

func spareKnown(findings []Finding, known func(Finding) bool) []Finding {
	spared := make([]Finding, 0, len(findings))
	for _, f := range findings {
		if f.Severity == Error && known(f) {
			f.Severity = Warning
			f.Message = strings.TrimSuffix(f.Message, ".") + letPass + "."
		}
		spared = append(spared, f)
	}
	return sortFindings(spared)
}

// sameFinding is what two findings have in common that are about the same thing, in
// objects whose lists may be in another order.
type sameFinding struct{ rule, place, message string }

func (t *Target) same(f Finding) sameFinding {
	return sameFinding{f.Rule, t.place(f.Field), f.Message}
}

var (
	elementIndex = regexp.MustCompile(`\[\d+\]`)
	// listElement is an element of one of the pod's lists whose elements have names, and
	// of a list within it.
	listElement = regexp.MustCompile(`^(initContainers|containers|volumes)\[(\d+)\](?:\.(volumeMounts|env|envFrom)\[(\d+)\])?`)
)

// place is a field's path with names instead of indexes: a container that is put before
// another one moves all that is behind it.
func (t *Target) place(path string) string {
	spec := t.specPath().String() + "."
	rest, ok := strings.CutPrefix(path, spec)
	if !ok {
		return elementIndex.ReplaceAllString(path, "[]")
	}
	m := listElement.FindStringSubmatch(rest)
	if m == nil {
		return path
	}
	index, _ := strconv.Atoi(m[2])
	if m[1] == "volumes" {
		if index >= len(t.Spec.Volumes) {
			return path
		}
		return spec + "volumes[" + t.Spec.Volumes[index].Name + "]" + rest[len(m[0]):]
	}
	list := t.Spec.Containers
	if m[1] == "initContainers" {
		list = t.Spec.InitContainers
	}
	if index >= len(list) {
		return path
	}
	named := spec + m[1] + "[" + list[index].Name + "]"
	if m[3] != "" {
		inner, _ := strconv.Atoi(m[4])
		named += "." + m[3] + "[" + elementName(&list[index], m[3], inner) + "]"
	}
	return named + rest[len(m[0]):]
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
