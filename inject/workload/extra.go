package workload

import (
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"akv-injector/inject/finding"
)

// Extra is a kind of workload of another API group whose templates are checked because the cluster's operators say so.
type Extra struct {
	schema.GroupVersionResource
	// Path of the template of pods, such as spec, template.
	Path []string
}

var (
	extraResource = regexp.MustCompile(`^([a-z][a-z0-9-]*)\.(v[a-z0-9]+)\.([a-z0-9.-]+)$`)
	extraField    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
)

// ParseExtra reads RESOURCE.VERSION.GROUP=PATH, such as rollouts.v1alpha1.argoproj.io=spec.template.
func ParseExtra(text string) (Extra, finding.Problem) {
	problem := finding.Problem{
		What: "not RESOURCE.VERSION.GROUP=PATH",
		Fix:  "write it as rollouts.v1alpha1.argoproj.io=spec.template",
	}
	resource, path, ok := strings.Cut(text, "=")
	m := extraResource.FindStringSubmatch(resource)
	if !ok || m == nil {
		return Extra{}, problem
	}
	e := Extra{schema.GroupVersionResource{Group: m[3], Version: m[2], Resource: m[1]}, strings.Split(path, ".")}
	if slices.ContainsFunc(e.Path, func(field string) bool { return !extraField.MatchString(field) }) {
		return Extra{}, problem
	}
	for _, k := range kinds {
		if k.Group == e.Group && k.Resource == e.Resource {
			return Extra{}, finding.Problem{What: "a workload that is checked anyway", Fix: "leave it out"}
		}
	}
	return e, finding.Problem{}
}

// TargetAt is the pod at a path in an object of any kind. It is nil if there is none, or it is no pod: the API server of
// that kind has its own schema.
func TargetAt(kind string, owner *metav1.ObjectMeta, object map[string]any, path []string) *Target {
	at := (*finding.Place)(nil)
	var between []Between
	for _, name := range path {
		inner, ok := object[name].(map[string]any)
		if !ok {
			return nil
		}
		at, object = at.Child(name), inner
		if name != path[len(path)-1] {
			if meta := metadataOf(object); meta != nil {
				between = append(between, Between{at.Child("metadata"), meta})
			}
		}
	}
	f := &finder{kind: kind, owner: owner}
	switch spec, _ := object["spec"].(map[string]any); {
	case hasContainers(spec):
		f.addTemplate(object, at, between)
	case hasContainers(object):
		f.addSpec(object, at, between)
	}
	if len(f.found) == 0 {
		return nil
	}
	return f.found[0].Target
}
