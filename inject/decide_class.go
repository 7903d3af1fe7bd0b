package inject

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// DecideClass runs those rules over a SecretProviderClass that need nothing but the class
// itself, its namespace and the server's settings. What stands in it for another provider
// than Azure's is that provider's to judge.
func DecideClass(class *secretsstorev1.SecretProviderClass, ns *corev1.Namespace, s Settings, f facts.Facts) []Finding {
	c := newClassSubject(class, ns, s, f)
	findings := c.r.NamespaceErrors.Findings(Warning)
	findings = append(findings, c.reservedName()...)
	if class.Spec.Provider == provider.ProviderAzure {
		for _, check := range classChecks {
			findings = append(findings, check(c)...)
		}
		findings = append(findings, c.r.judgeVaults(c.vaultChecksFor(f), f)...)
	}
	for i := range findings {
		findings[i] = c.r.policy(findings[i])
	}
	findings = append(findings, c.r.Errors.Findings(Error)...)
	return finding.Sort(findings)
}

// ClassVaultObjects are those that the vault is to be asked about for DecideClass (AKV020).
func ClassVaultObjects(class *secretsstorev1.SecretProviderClass, ns *corev1.Namespace, s Settings) []facts.VaultObject {
	return newClassSubject(class, ns, s, facts.Facts{}).vaultChecks().objects
}

// vaultChecksFor are the checks if somebody has asked, and none otherwise.
func (c *classSubject) vaultChecksFor(f facts.Facts) []vaultCheck {
	if f.Vault == nil {
		return nil
	}
	return c.vaultChecks().checks
}

// DecideClassUpdate is DecideClass for a class that replaces another: only what the update
// brings is an error, and pods that mount the class are told of (AKV022).
func DecideClassUpdate(class, before *secretsstorev1.SecretProviderClass, ns *corev1.Namespace, s Settings, f facts.Facts) []Finding {
	findings := OnClassUpdate(DecideClass(class, ns, s, f), DecideClass(before, ns, s, f))
	return finding.Sort(append(findings, checkClassChanged(class, before, f)...))
}

// DecideClassDeletion tells of pods that mount the class that goes (AKV022).
func DecideClassDeletion(before *secretsstorev1.SecretProviderClass, f facts.Facts) []Finding {
	return checkClassDeleted(before, f)
}

// MountsClass tells whether a pod that is not finished has a volume of the class.
func MountsClass(pod *corev1.Pod, class string) bool {
	return !workload.Finished(pod) && slices.Contains(provider.ClassNames(&pod.Spec), class)
}

// classChecks are the rules' looks at a class of the Azure provider.
var classChecks = []func(*classSubject) []Finding{
	checkClassVersions, checkClassContent, checkClassIdentity, checkClassVault,
}

// classSubject is what the rules look at in a class.
type classSubject struct {
	class *facts.Class
	f     facts.Facts
	// r holds the policy: fence, waivers, and errors in the annotations.
	r *Request
}

func newClassSubject(class *secretsstorev1.SecretProviderClass, ns *corev1.Namespace, s Settings, f facts.Facts) *classSubject {
	if ns == nil {
		ns = &corev1.Namespace{}
	}
	p := &parser{Request: &Request{forbidAllow: s.ForbidAllow}, ns: ns, settings: s}
	p.parseNamespace()
	p.parseClassMarks(class)
	return &classSubject{class: facts.NewClass(class), f: f, r: p.Request}
}

func classParameters() *finding.Place { return finding.At("spec", "parameters") }

func classParameter(key string) *finding.Place { return classParameters().Child(key) }

// objectPath is a field of the i-th object.
func (c *classSubject) objectPath(i int, name string) *finding.Place {
	return classParameter(provider.ParamObjects).Index(c.class.At[i]).Child(name)
}

func (c *classSubject) parameter(key string) string {
	return strings.TrimSpace(c.class.Spec.Parameters[key])
}

// parseClassMarks reads the annotations and labels under our prefix that a class has.
func (p *parser) parseClassMarks(class *secretsstorev1.SecretProviderClass) {
	p.allow = map[string]bool{}
	annotations := finding.At("metadata", "annotations")
	for _, k := range annotation.Ours(class.Annotations) {
		path := annotations.Key(k)
		short := strings.TrimPrefix(k, annotation.Prefix)
		switch a, _, ok := annotation.Find(k); {
		case k == annotation.Allow:
			p.addAllow(class.Annotations[k], path, true)
		case k == annotation.UnusedSince && provider.Reserved(class.Name):
			// The collector's.
		case ok && a.Pod:
			p.errorf(finding.Forbidden(path, finding.Problem{What: "belongs on the pods that mount the class", Fix: "move it to their annotations"}))
		case ok:
			p.errorf(finding.Forbidden(path, finding.Problem{What: "belongs on the namespace, where a platform team sets it", Fix: "remove it from the class"}))
		default:
			p.errorf(finding.Invalid(path, short, finding.Problem{What: "no such annotation of akv-injector", Fix: text.DidYouMean(short, []string{"allow"})}))
		}
	}
	for _, k := range annotation.Ours(class.Labels) {
		p.errorf(finding.Forbidden(finding.At("metadata", "labels").Key(k), finding.Problem{What: "akv-injector has no label for classes", Fix: "remove it"}))
	}
}

// reservedName tells of a class under our prefix whose content is not what its name says.
// It does no harm, since no volume gets it, and its author waits for it in vain.
func (c *classSubject) reservedName() []Finding {
	spec := c.class.Spec
	generated := provider.Class{Name: c.class.Name, Parameters: maps.Clone(spec.Parameters)}
	if !provider.Reserved(c.class.Name) || spec.Provider == provider.ProviderAzure && generated.Verified() {
		return nil
	}
	return []Finding{{
		Severity: Warning, Type: field.ErrorTypeForbidden, Place: finding.At("metadata", "name"),
		Message: fmt.Sprintf("Names that begin with %s are those of generated classes, and no volume may name this one.", provider.GeneratedPrefix),
		Fix:     "Give the class another name.",
	}}
}
