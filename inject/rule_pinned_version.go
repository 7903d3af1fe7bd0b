package inject

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV004 reads the objects of the request and of the mounted classes. The provider
// 1.8.2 asks the vault for exactly the objectVersion that is written; only an empty one
// follows the newest ("latest" is understood where a history is kept, and sent to the
// vault as it stands otherwise).
var pinnedVersionRule = Rule{
	ID: "AKV004", Name: "pinned-version", Severities: []Severity{Error}, Waivable: true,
	Summary:  "An object with an objectVersion (NAME@version in an annotation too).",
	Prevents: "The version never changes, so a rotated secret never arrives.",
	Evidence: "The Azure provider 1.8.2 asks the vault for exactly the objectVersion that is written; only an empty one follows the newest.",
	Remedy:   "Remove objectVersion, or leave it empty.",
	On:       everywhere,
}

func checkPinnedVersion(s *subject) []Finding {
	var findings []Finding
	if s.r.Asks {
		for _, m := range s.r.Mounts {
			for _, o := range m.Objects {
				if o.Pinned() {
					findings = append(findings, pinnedFinding(o, m.FieldPath,
						fmt.Sprintf("Write %s without a version.", text.Shorten(o.Name))))
				}
			}
		}
	}
	for i := range s.volumes {
		v := &s.volumes[i]
		if !v.byHand() {
			continue
		}
		for _, o := range v.Objects {
			if !o.Pinned() {
				continue
			}
			f := pinnedFinding(o, v.classPath(),
				fmt.Sprintf("Remove objectVersion from %s in the SecretProviderClass %q.", text.Shorten(o.Name), text.Shorten(v.ClassName)))
			findings = append(findings, s.r.classAllows(v, f))
		}
	}
	return findings
}

// checkClassVersions is the rule's look at a class.
func checkClassVersions(c *classSubject) []Finding {
	var findings []Finding
	for i, o := range c.class.Objects {
		if o.Pinned() {
			findings = append(findings, pinnedFinding(o, c.objectPath(i, "objectVersion"),
				fmt.Sprintf("Remove objectVersion from %s, or leave it empty.", text.Shorten(o.Name))))
		}
	}
	return findings
}

func pinnedFinding(o provider.Object, path *finding.Place, fix string) Finding {
	message := fmt.Sprintf("The %s %q is pinned to one version; a rotated one never arrives.", o.Type, text.Shorten(o.Name))
	if o.Version == provider.LatestVersion {
		message = fmt.Sprintf("The %s %q asks for a version that is literally called \"latest\", which no vault has.", o.Type, text.Shorten(o.Name))
	}
	return found("AKV004", Error, field.ErrorTypeForbidden, path, message, fix)
}

// classAllows lets a finding about a class's content pass if the class waives the rule.
func (r *Request) classAllows(v *storeVolume, f Finding) Finding {
	if v.Class == nil || f.Severity != Error || r.forbidAllow {
		return f
	}
	if allow, _ := ParseAllow(v.Class.Annotations[annotation.Allow], nil); allow[f.Rule] {
		return f.Downgraded("let pass by the allow annotation of the class")
	}
	return f
}
