package workload

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"akv-injector/inject/finding"
)

// Shape is a pod that was found in an object of any kind, by what it looks like.
type Shape struct {
	*Target
	// At is the place of what was read.
	At *finding.Place
	// Apart is set if the containers stand in other places than the volumes, as in a SparkApplication:
	// the pod is put together from both.
	Apart bool

	containers []*finding.Place
}

// Misfit is what looks like a pod and is none.
type Misfit struct {
	At *finding.Place
	// Looks is what it looks like.
	Looks Part
	Err   error
}

// Part of a pod.
type Part int

// The parts that are found.
const (
	LikeTemplate Part = iota
	LikeSpec
	LikeVolumes
	LikeContainer
)

// Limits of the search: an object of another kind can be anything.
const (
	maxShapes     = 50
	maxShapeDepth = 20
	maxApart      = 50
)

// Shapes finds the pods in an object of any kind: a spec with containers, beside the metadata of its
// template or without; and volumes of the secrets store whose containers stand elsewhere.
func Shapes(kind string, owner *metav1.ObjectMeta, object map[string]any) (found []Shape, misfits []Misfit) {
	f := &finder{kind: kind, owner: owner}
	f.look(object, nil, nil, 0)
	return f.found, f.misfits
}

type finder struct {
	kind    string
	owner   *metav1.ObjectMeta
	found   []Shape
	misfits []Misfit
}

// look goes through a map and what is in it. The metadata on the way down is between the object and its pods.
func (f *finder) look(m map[string]any, at *finding.Place, between []Between, depth int) {
	if depth > maxShapeDepth || len(f.found) >= maxShapes {
		return
	}
	switch spec, _ := m["spec"].(map[string]any); {
	case at != nil && hasContainers(spec):
		f.addTemplate(m, at, between)
		return
	case hasContainers(m):
		f.addSpec(m, at, between)
		return
	case hasStoreVolume(m):
		f.addApart(m, at, between)
		return
	}
	if at != nil {
		if meta := metadataOf(m); meta != nil {
			between = append(slices.Clip(between), Between{at.Child("metadata"), meta})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		f.lookInto(m[key], at.Child(key), between, depth+1)
	}
}

func (f *finder) lookInto(value any, at *finding.Place, between []Between, depth int) {
	switch value := value.(type) {
	case map[string]any:
		f.look(value, at, between, depth)
	case []any:
		for i, item := range value {
			if inner, ok := item.(map[string]any); ok {
				f.look(inner, at.Index(i), between, depth+1)
			}
		}
	}
}

// hasContainers reports whether a map looks like the spec of a pod.
func hasContainers(spec map[string]any) bool {
	list, _ := spec["containers"].([]any)
	if len(list) == 0 {
		return false
	}
	for _, item := range list {
		c, ok := item.(map[string]any)
		if !ok {
			return false
		}
		_, name := c["name"].(string)
		_, image := c["image"].(string)
		if !name && !image {
			return false
		}
	}
	return true
}

func hasStoreVolume(m map[string]any) bool {
	list, _ := m["volumes"].([]any)
	return slices.ContainsFunc(list, func(item any) bool {
		v, _ := item.(map[string]any)
		csi, _ := v["csi"].(map[string]any)
		return csi["driver"] == driverName
	})
}

// driverName is provider.DriverName, which this package is below.
const driverName = "secrets-store.csi.k8s.io"

func metadataOf(m map[string]any) *metav1.ObjectMeta {
	raw, ok := m["metadata"].(map[string]any)
	if !ok {
		return nil
	}
	meta := &metav1.ObjectMeta{}
	if decode(raw, meta) != nil {
		return nil
	}
	return meta
}

func decode(m map[string]any, into any) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return kjson.UnmarshalCaseSensitivePreserveInts(text, into)
}

func (f *finder) add(at *finding.Place, s Shape) {
	s.At, s.Kind, s.Owner, s.Template = at, f.kind, f.owner, true
	f.found = append(f.found, s)
}

func (f *finder) addTemplate(m map[string]any, at *finding.Place, between []Between) {
	template := &corev1.PodTemplateSpec{}
	if err := decode(m, template); err != nil {
		f.misfits = append(f.misfits, Misfit{at, LikeTemplate, err})
		return
	}
	f.add(at, Shape{Target: &Target{Meta: &template.ObjectMeta, Spec: &template.Spec, Path: at, Between: between}})
}

func (f *finder) addSpec(m map[string]any, at *finding.Place, between []Between) {
	spec := &corev1.PodSpec{}
	if err := decode(m, spec); err != nil {
		f.misfits = append(f.misfits, Misfit{at, LikeSpec, err})
		return
	}
	f.add(at, Shape{Target: &Target{Meta: &metav1.ObjectMeta{}, Spec: spec, Path: at, specOnly: true, Between: between}})
}

// addApart puts a pod together from volumes and from all that mounts volumes below them.
func (f *finder) addApart(m map[string]any, at *finding.Place, between []Between) {
	spec := &corev1.PodSpec{}
	if err := decode(map[string]any{"volumes": m["volumes"]}, spec); err != nil {
		f.misfits = append(f.misfits, Misfit{at.Child("volumes"), LikeVolumes, err})
		return
	}
	if account, ok := m["serviceAccountName"].(string); ok {
		spec.ServiceAccountName = account
	}
	s := Shape{Target: &Target{Meta: &metav1.ObjectMeta{}, Spec: spec, Path: at, specOnly: true, Between: between}, Apart: true}
	f.lookForMounts(&s, m, at, 0)
	f.add(at.Child("volumes"), s)
}

// lookForMounts makes a container of each map with volumeMounts.
func (f *finder) lookForMounts(s *Shape, value any, at *finding.Place, depth int) {
	if depth > maxShapeDepth || len(s.Spec.Containers) >= maxApart {
		return
	}
	switch value := value.(type) {
	case map[string]any:
		if _, mounts := value["volumeMounts"].([]any); mounts {
			f.addContainer(s, value, at)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			f.lookForMounts(s, value[key], at.Child(key), depth+1)
		}
	case []any:
		for i, item := range value {
			f.lookForMounts(s, item, at.Index(i), depth+1)
		}
	}
}

func (f *finder) addContainer(s *Shape, m map[string]any, at *finding.Place) {
	c := corev1.Container{}
	if err := decode(map[string]any{"volumeMounts": m["volumeMounts"]}, &c); err != nil {
		f.misfits = append(f.misfits, Misfit{at, LikeContainer, err})
		return
	}
	if c.Name, _ = m["name"].(string); c.Name == "" {
		c.Name = at.Last().Name
	}
	// Of several accounts the first counts.
	if account, ok := m["serviceAccount"].(string); ok && s.Spec.ServiceAccountName == "" {
		s.Spec.ServiceAccountName = account
	}
	s.Spec.Containers = append(s.Spec.Containers, c)
	s.containers = append(s.containers, at)
}

// Real is the place in the object of one in the pod: in a pod that was put together they differ.
func (s *Shape) Real(place *finding.Place) *finding.Place {
	if !s.Apart || place.InNamespace() {
		return place
	}
	base := len(s.SpecPath().Steps())
	steps := place.Steps()
	if len(steps) < base+2 || steps[base].Name != containers || steps[base+1].Kind != finding.Element || steps[base+1].Index >= len(s.containers) {
		return place
	}
	return s.containers[steps[base+1].Index].Along(steps[base+2:])
}

// Containers are the places of the containers of a pod that was put together.
func (s *Shape) Containers() []*finding.Place { return s.containers }

// Copy is the pod, to be changed.
func (s *Shape) Copy() *Target {
	t := *s.Target
	t.Meta, t.Spec = t.Meta.DeepCopy(), t.Spec.DeepCopy()
	return &t
}

// Bare reports whether the pod has no metadata beside its spec, so that it can have no annotations.
func (s *Shape) Bare() bool { return s.specOnly }

// String names what was read: Rollout spec.template.
func (s *Shape) String() string { return fmt.Sprintf("%s %s", s.Kind, s.At) }
