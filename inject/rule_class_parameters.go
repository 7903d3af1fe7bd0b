package inject

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV008 reads the parameters that reach the provider: the class's, under the volume's
// attributes. It holds them against what the Azure provider 1.8.2 checks at mount time
// (pkg/provider/provider.go, validate.go) and what it silently gets wrong
// (filePermission that is not octal becomes mode 0; two objects with one file name).
var classParametersRule = Rule{
	ID: "AKV008", Name: "class-parameters", Severities: []Severity{Error, Warning},
	Summary:  "A class that the Azure provider would refuse at mount time, or silently get wrong.",
	Prevents: "The pod never starts, or gets other files than were meant.",
	Evidence: "Azure provider 1.8.2, pkg/provider/provider.go and validate.go.",
	Remedy:   "Mend the parameter that the finding names.",
	On:       everywhere,
}

func checkClassParameters(s *subject) []Finding {
	var findings []Finding
	for i := range s.volumes {
		v := &s.volumes[i]
		if v.ClassName == "" {
			findings = append(findings, found("AKV008", Error, field.ErrorTypeRequired, v.classPath(),
				"The volume names no SecretProviderClass, so the driver cannot mount it.",
				"Set volumeAttributes.secretProviderClass."))
			continue
		}
		if !v.byHand() {
			continue
		}
		for _, e := range provider.ParameterErrors(v.Parameters, v.Objects, v.Errors, classParameters()) {
			problem, fix := parameterProblem(e, e.Place.String()+": ")
			findings = append(findings, found("AKV008", Error, e.Type, v.classPath(),
				fmt.Sprintf("The Azure provider cannot use the SecretProviderClass %q: %s", text.Shorten(v.ClassName), problem),
				strings.TrimSpace(fix+" Run: kubectl edit secretproviderclass "+text.Shorten(v.ClassName))))
		}
		findings = append(findings, pfxAsText(v.Objects, v.classPath())...)
	}
	if s.r.Asks {
		for _, m := range s.r.Mounts {
			findings = append(findings, pfxAsText(m.Objects, m.FieldPath)...)
		}
	}
	return findings
}

// checkClassContent is the rule's look at a class.
func checkClassContent(c *classSubject) []Finding {
	var findings []Finding
	for _, e := range provider.ParameterErrors(c.class.Spec.Parameters, c.class.Objects, c.class.Errors, classParameters()) {
		problem, fix := parameterProblem(e, "")
		findings = append(findings, Finding{
			Rule: "AKV008", Name: ruleName("AKV008"), Severity: Error, Type: e.Type, Place: e.Place,
			Message: "The Azure provider cannot use this class: " + problem, Fix: fix,
		})
	}
	for i, o := range c.class.Objects {
		findings = append(findings, pfxAsText([]provider.Object{o}, c.objectPath(i, "objectEncoding"))...)
	}
	return findings
}

// parameterProblem says what is wrong with a parameter, behind where that is if the
// finding's own field is another one, and how to mend it.
func parameterProblem(e *finding.FieldError, where string) (problem, fix string) {
	message, fix := e.Message(), text.Instruction(e.Fix)
	if e.Type != field.ErrorTypeRequired {
		return where + message, fix
	}
	if where == "" {
		return e.Place.Last().Name + " is missing.", fix
	}
	return e.Place.String() + " is missing.", fix
}

func pfxAsText(objects []provider.Object, path *finding.Place) []Finding {
	var findings []Finding
	for _, o := range objects {
		if o.Type == provider.TypeSecret && o.Format == "pfx" && o.Encoding != "base64" {
			findings = append(findings, found("AKV008", Warning, field.ErrorTypeInvalid, path,
				fmt.Sprintf("The provider writes the pfx of %q as base64 text, not as the binary file.", text.Shorten(o.Name)),
				"Add objectEncoding: base64 to the object if the binary file is wanted."))
		}
	}
	return findings
}
