package lint

import (
	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/internal/cli/manifest"
)

// unknownFields finds fields that Kubernetes does not have, and annotations of a ServiceAccount that nobody reads.
// The API server drops them, so that admission never sees them.
func unknownFields(o *manifest.Object, view *manifest.View) []Finding {
	c := &checker{cluster: view.Cluster}
	var found []Finding
	for _, u := range o.Unknown() {
		found = append(found, c.place(o, view, finding.Finding{
			Rule: inject.RuleUnknownField().ID, Severity: finding.Warning, Place: u.Place,
			Message: u.String(),
			Fix:     u.Fix,
		}))
	}
	return found
}
