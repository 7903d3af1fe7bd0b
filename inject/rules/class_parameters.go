package rules

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV008 checks the parameters that reach the provider: those of the class, overridden by
// the volume's attributes. It reports what the Azure provider 1.8.2 refuses at mount time
// (pkg/provider/provider.go, validate.go) and what it silently gets wrong (a
// filePermission that is not octal becomes mode 0; two objects with one file name).
var classParameters = Rule{
	Rule: finding.Rule{
		ID: "AKV008", Name: "class-parameters", Severities: []finding.Severity{finding.Error, finding.Warning},
		Lookups:  finding.Classes,
		Summary:  "A class that the Azure provider would refuse at mount time, or silently get wrong.",
		Prevents: "The pod never starts, or gets other files than intended.",
		Evidence: "Azure provider 1.8.2, pkg/provider/provider.go and validate.go.",
		Remedy:   "Correct the parameter that the finding names.",
	},
	Pod:   checkClassParameters,
	Class: checkClassContent,
}

func checkClassParameters(p *Pod, r *Report) {
	checkDriverName(p, r)
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if r.Full() {
			return
		}
		if v.ClassName == "" {
			r.Error(field.ErrorTypeRequired, v.classPlace(),
				"The volume names no SecretProviderClass, so the driver cannot mount it.",
				"Set volumeAttributes.secretProviderClass.")
			continue
		}
		if v.ByHand() {
			checkVolumeParameters(p, v, r)
		}
	}
	if p.Request.Asks {
		for _, m := range p.Request.Mounts {
			for _, o := range m.Objects {
				reportPFXAsText(r, o, m.FieldPath)
			}
		}
	}
}

// checkDriverName finds drivers that are called almost as the secrets store's is.
func checkDriverName(p *Pod, r *Report) {
	for i := range p.Spec.Volumes {
		csi := p.Spec.Volumes[i].CSI
		if csi != nil && csi.Driver != provider.DriverName && strings.EqualFold(csi.Driver, provider.DriverName) {
			r.Error(field.ErrorTypeInvalid, p.Target.SpecPath().Child("volumes").Index(i).Child("csi", "driver"),
				fmt.Sprintf("The kubelet finds no driver %q, because names of drivers are case-sensitive; the pod waits in ContainerCreating.", text.Shorten(csi.Driver)),
				"Write driver: "+provider.DriverName+".").Lookups = 0
		}
	}
}

// checkVolumeParameters checks what reaches the provider for a volume that was written by hand.
func checkVolumeParameters(p *Pod, v *Volume, r *Report) {
	if given := string(v.Class.Spec.Provider); given != provider.ProviderAzure {
		r.Error(field.ErrorTypeInvalid, v.classPlace(),
			fmt.Sprintf("In the SecretProviderClass %q %s", text.Shorten(v.ClassName), providerProblem(given)),
			"Write provider: "+provider.ProviderAzure+" in the class.").Class = v.ClassName
	}
	for _, e := range provider.ParameterErrors(v.Parameters, v.Objects, v.Errors, parameters()) {
		problem, fix := parameterProblem(e, e.Place.String()+": ")
		r.Error(e.Type, v.classPlace(),
			fmt.Sprintf("The Azure provider cannot use the SecretProviderClass %q: %s", text.Shorten(v.ClassName), problem),
			strings.TrimSpace(fix+" Run: "+p.editClass(v.ClassName))).Class = v.ofClass()
	}
	for _, o := range v.Objects {
		if f := reportPFXAsText(r, o, v.classPlace()); f != nil {
			f.Class = v.ofClass()
		}
	}
}

// checkClassContent runs the rule on a class without a pod.
func checkClassContent(c *Class, r *Report) {
	if given := string(c.Spec.Provider); given != provider.ProviderAzure {
		r.Error(field.ErrorTypeInvalid, finding.At("spec", "provider"),
			"In this class "+providerProblem(given), "Write provider: "+provider.ProviderAzure+".")
	}
	for _, e := range provider.ParameterErrors(c.Spec.Parameters, c.Objects, c.Errors, parameters()) {
		problem, fix := parameterProblem(e, "")
		r.Error(e.Type, e.Place, "The Azure provider cannot use this class: "+problem, fix)
	}
	first := make(map[provider.Object]bool, len(c.Objects))
	for i, o := range c.Objects {
		reportPFXAsText(r, o, c.objectPlace(i, "objectEncoding"))
		if first[o] {
			r.Warn(field.ErrorTypeDuplicate, c.objectPlace(i, "objectName"),
				fmt.Sprintf("%s/%s is listed twice, and so fetched twice at each mount and rotation.", o.Type, text.Shorten(o.Name)), "Remove one.")
		}
		first[o] = true
	}
}

// providerProblem says why the driver cannot use a class that has the parameters of the Azure provider.
func providerProblem(given string) string {
	switch {
	case strings.TrimSpace(given) == "":
		return "no provider is set, and the driver mounts nothing without one."
	case strings.EqualFold(strings.TrimSpace(given), provider.ProviderAzure):
		return fmt.Sprintf("the provider is %q, which the driver does not find: names of providers are case-sensitive.", text.Shorten(given))
	}
	return fmt.Sprintf("the provider is %q, which the driver does not find, but the parameters are those of azure.", text.Shorten(given))
}

// parameterProblem returns what is wrong with a parameter and how to fix it. The problem
// begins with where, which is empty if the finding has the parameter's own place.
func parameterProblem(e *finding.FieldError, where string) (problem, fix string) {
	fix = text.Instruction(e.Fix)
	switch {
	case e.Type != field.ErrorTypeRequired:
		return where + e.Message(), fix
	case where == "":
		return e.Place.Last().Name + " is missing.", fix
	}
	return e.Place.String() + " is missing.", fix
}

func reportPFXAsText(r *Report, o provider.Object, place *finding.Place) *finding.Finding {
	if o.Type == provider.TypeSecret && o.Format == "pfx" && o.Encoding != "base64" {
		return r.Warn(field.ErrorTypeInvalid, place,
			fmt.Sprintf("The provider writes the pfx of %q as base64 text, not as a binary file.", text.Shorten(o.Name)),
			"To get the binary file, add objectEncoding: base64 to the object.")
	}
	return nil
}
