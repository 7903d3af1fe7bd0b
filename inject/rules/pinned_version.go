package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV004 checks the objectVersion of objects in the request and in the mounted classes. The
// provider 1.8.2 requests exactly that version from the vault; only an empty one follows the
// newest ("latest" works with a version history, and is sent to the vault literally without
// one).
var pinnedVersion = Rule{
	Rule: finding.Rule{
		ID: "AKV004", Name: "pinned-version", Severities: []finding.Severity{finding.Error}, Waivable: true,
		Lookups:  finding.Classes,
		Summary:  "An object with an objectVersion (NAME@version in an annotation too).",
		Prevents: "The version never changes, so a rotated secret never arrives.",
		Evidence: "The Azure provider 1.8.2 requests exactly the given objectVersion from the vault; only an empty one follows the newest.",
		Remedy:   "Remove objectVersion, or leave it empty.",
	},
	Pod:   checkPinnedVersion,
	Class: checkPinnedClass,
}

func checkPinnedVersion(p *Pod, r *Report) {
	if p.Request.Asks {
		for _, m := range p.Request.Mounts {
			for _, o := range m.Objects {
				if o.Pinned() {
					// The annotation itself is wrong: no class that is looked up could change that.
					reportPinned(r, o, m.FieldPath, fmt.Sprintf("Write %s without a version.", text.Shorten(o.Name))).Lookups = 0
				}
			}
		}
	}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if !v.ByHand() {
			continue
		}
		for _, o := range v.Objects {
			if r.Full() {
				return
			}
			if o.Pinned() {
				f := reportPinned(r, o, v.classPlace(),
					fmt.Sprintf("Remove objectVersion from %s in the SecretProviderClass %q.", text.Shorten(o.Name), text.Shorten(v.ClassName)))
				f.Class = v.ofClass()
				*f = policy.ByClass(v.waived, *f)
			}
		}
	}
}

// checkPinnedClass runs the rule on a class without a pod.
func checkPinnedClass(c *Class, r *Report) {
	for i, o := range c.Objects {
		if o.Pinned() {
			reportPinned(r, o, c.objectPlace(i, "objectVersion"), fmt.Sprintf("Remove objectVersion from %s, or leave it empty.", text.Shorten(o.Name)))
		}
	}
}

func reportPinned(r *Report, o provider.Object, place *finding.Place, fix string) *finding.Finding {
	message := fmt.Sprintf("The %s %q is pinned to one version; a rotated one never arrives.", o.Type, text.Shorten(o.Name))
	if o.Version == provider.LatestVersion {
		message = fmt.Sprintf("The %s %q asks for a version that is literally called \"latest\", which no vault has.", o.Type, text.Shorten(o.Name))
	}
	return r.Error(field.ErrorTypeForbidden, place, message, fix)
}
