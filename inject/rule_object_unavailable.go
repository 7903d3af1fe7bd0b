package inject

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV020 reads what the vaults say of the objects of the request, of the mounted classes
// (under the volume's attributes) and of a class by itself. It prevents pods that wait in
// ContainerCreating for an object that is not there: the provider 1.8.2 fails the mount of
// all objects if the vault has not one of them (404) or has a secret disabled (403). Key
// Vault gives expired objects out like any others, so programs run with what nobody else
// accepts any more.
//
// Vaults are asked only where the namespace's allowed-vaults names them: whoever may
// create pods would otherwise learn from the answers what any vault holds. What could not
// be asked is told and refuses nothing.
var objectUnavailableRule = Rule{
	ID: "AKV020", Name: "object-unavailable", Severities: []Severity{Error, Warning}, Waivable: true, On: everywhere,
	Summary:  "An object that the vault does not have, or has disabled, expired or not yet valid. Warnings tell of one that expires soon, and of objects that were not checked. Only where vault-checks is on.",
	Prevents: "The pod never starts, since the mount fails for one object that is missing, or starts with what has expired.",
	Evidence: "The Azure provider 1.8.2 fails the whole mount if the vault answers one object with an error; Key Vault answers 404 for one that is missing and 403 for a disabled secret, and gives expired ones out.",
	Remedy:   "Mend the name, or create, enable or renew the object in the vault.",
}

// Values of the annotation vault-checks and of the server's setting.
const (
	VaultChecksOff     = "off"
	VaultChecksWarn    = "warn"
	VaultChecksEnforce = "enforce"
)

var vaultChecksValues = []string{VaultChecksOff, VaultChecksWarn, VaultChecksEnforce}

// ValidateVaultChecks says what is wrong with a value of vault-checks, or "".
func ValidateVaultChecks(value string) finding.Problem {
	if slices.Contains(vaultChecksValues, value) {
		return finding.Problem{}
	}
	return finding.Problem{What: "not one of the values", Fix: "write " + strings.Join(vaultChecksValues, ", ")}
}

// maxVaultObjects is how many objects the vaults are asked about for one pod, template or
// class.
const maxVaultObjects = 100

// vaultCheck is an object that the rule looks at, and where it was named.
type vaultCheck struct {
	object facts.VaultObject
	// name as it was written.
	name string
	path *finding.Place
	// volume whose class names the object, nil where an annotation or a class itself does.
	volume *storeVolume
	// because says why the vault may not be asked, and fix how to mend that.
	because, fix string
}

// vaultChecks are the objects that the rule looks at.
func (s *subject) vaultChecks() vaultCheckList {
	l := vaultCheckList{r: s.r}
	if !s.r.checksVaults() {
		return l
	}
	l.expected = s.countObjects()
	if s.r.Asks {
		for _, m := range s.r.Mounts {
			if m.Class == "" && m.parsed && m.Vault != "" && s.r.Cloud.Value != "" {
				for _, o := range m.Objects {
					l.add(s.r.Cloud.Value, m.Vault, o, m.FieldPath, nil)
				}
			}
		}
	}
	for i := range s.volumes {
		v := &s.volumes[i]
		if !v.byHand() || len(v.Errors) > 0 {
			continue
		}
		for _, o := range v.Objects {
			l.addOfClass(v.Parameters, o, v.classPath(), v)
		}
	}
	return l
}

// vaultChecks are the objects of a class that the rule looks at.
func (c *classSubject) vaultChecks() vaultCheckList {
	l := vaultCheckList{r: c.r}
	if !c.r.checksVaults() || c.class.Spec.Provider != provider.ProviderAzure || len(c.class.Errors) > 0 {
		return l
	}
	l.expected = len(c.class.Objects)
	for i, o := range c.class.Objects {
		l.addOfClass(c.class.Spec.Parameters, o, c.objectPath(i, "objectName"), nil)
	}
	return l
}

// vaultCheckList gathers checks, and the objects that the vaults are asked about for them.
type vaultCheckList struct {
	r       *Request
	checks  []vaultCheck
	objects []facts.VaultObject
	seen    map[facts.VaultObject]bool
	// expected is how many checks there may be: room is made for them once.
	expected int
}

// countObjects is how many objects there may be to look at.
func (s *subject) countObjects() int {
	n := 0
	for i := range s.r.Mounts {
		n += len(s.r.Mounts[i].Objects)
	}
	for i := range s.volumes {
		n += len(s.volumes[i].Objects)
	}
	return n
}

func (l *vaultCheckList) addOfClass(parameters map[string]string, o provider.Object, path *finding.Place, v *storeVolume) {
	vault, cloud := strings.TrimSpace(parameters[provider.ParamVault]), strings.TrimSpace(parameters[provider.ParamCloud])
	// What the provider cannot use is AKV008's to tell.
	if provider.VaultProblem(vault).Found() || cloud != "" && provider.CloudProblem(cloud).Found() {
		return
	}
	if strings.TrimSpace(parameters[provider.ParamCloudFile]) != "" {
		l.checks = append(l.checks, vaultCheck{
			object: facts.NewVaultObject(cloud, vault, o), name: o.Name, path: path, volume: v,
			because: "the file " + provider.ParamCloudFile + " on the nodes says where the vault is",
			fix:     "Check the object by other means.",
		})
		return
	}
	l.add(cloud, vault, o, path, v)
}

func (l *vaultCheckList) add(cloud, vault string, o provider.Object, path *finding.Place, v *storeVolume) {
	// A vault outside the fence is AKV018's to tell; a version called "latest", AKV004's.
	if !l.r.Fence.Allows(vault) || o.Version == provider.LatestVersion {
		return
	}
	c := vaultCheck{object: facts.NewVaultObject(cloud, vault, o), name: o.Name, path: path, volume: v}
	switch {
	case !l.r.Fence.set:
		c.because = "the namespace has no " + annotation.AllowedVaults
		c.fix = "Name the vaults that the namespace may use in that annotation, or set " + annotation.VaultChecks + ": off."
	case !l.ask(c.object):
		c.because = fmt.Sprintf("vaults are asked about %d objects at most", maxVaultObjects)
		c.fix = "Name fewer objects."
	}
	if l.checks == nil {
		l.checks = make([]vaultCheck, 0, l.expected)
	}
	l.checks = append(l.checks, c)
}

// ask adds an object to those that the vaults are asked about, each once, unless there are
// too many already.
func (l *vaultCheckList) ask(o facts.VaultObject) bool {
	if l.seen[o] {
		return true
	}
	if len(l.objects) >= maxVaultObjects {
		return false
	}
	if l.seen == nil {
		room := min(l.expected, maxVaultObjects)
		l.seen, l.objects = make(map[facts.VaultObject]bool, room), make([]facts.VaultObject, 0, room)
	}
	l.seen[o] = true
	l.objects = append(l.objects, o)
	return true
}

// judgeVaults holds the checks against what the vaults say. Of an object that is not among
// the answers nobody asked, and nothing is said.
func (r *Request) judgeVaults(checks []vaultCheck, f facts.Facts) []Finding {
	var findings []Finding
	var unchecked []vaultCheck
	for _, c := range checks {
		if c.because != "" {
			unchecked = append(unchecked, c)
			continue
		}
		answer, ok := f.Vault[c.object]
		switch {
		case !ok:
			continue
		case answer.Unknown != "":
			c.because, c.fix = answer.Unknown, answer.UnknownFix
			unchecked = append(unchecked, c)
			continue
		case answer.Partial && c.object.Candidates(answer) == nil:
			c.because = "it has so many versions that they were not all looked at"
			c.fix = "Purge old versions, if they are not needed."
			unchecked = append(unchecked, c)
			continue
		}
		judged, ok := r.judgeVault(c, answer, f.Now)
		if !ok {
			continue
		}
		if c.volume != nil {
			judged = r.classAllows(c.volume, judged)
		}
		findings = append(findings, judged)
	}
	return append(findings, uncheckedFindings(unchecked)...)
}

// judgeVault says what is wrong with one object. Most are in order, and cost no text.
func (r *Request) judgeVault(c vaultCheck, answer facts.VaultAnswer, now time.Time) (Finding, bool) {
	severity := Warning
	if r.vaultChecks == VaultChecksEnforce {
		severity = Error
	}
	switch f := c.object.Fault(answer, now); f.Kind {
	case facts.Missing:
		return found("AKV020", severity, field.ErrorTypeNotFound, c.path,
			fmt.Sprintf("The vault %q has no %s %q, so the volume cannot be mounted and the pod does not start.", text.Shorten(c.object.Vault), c.object.Type, text.Shorten(c.name)),
			c.missingFix(answer.Names)), true
	case facts.VersionMissing:
		return found("AKV020", severity, field.ErrorTypeNotFound, c.path,
			fmt.Sprintf("%s has no version %q, so the volume cannot be mounted and the pod does not start.", c, text.Shorten(c.object.Version)),
			"Leave objectVersion out to follow the newest."), true
	case facts.Disabled:
		consequence := "the vault still gives its public part to the pod."
		if c.object.Type == provider.TypeSecret {
			consequence = "the vault does not give it out, the volume cannot be mounted and the pod does not start."
		}
		return found("AKV020", severity, field.ErrorTypeForbidden, c.path, fmt.Sprintf("%s is disabled: %s", c, consequence),
			"Enable it, or make a new version. Run: "+c.command("set-attributes")+" --enabled true"), true
	case facts.Expired:
		return found("AKV020", severity, field.ErrorTypeInvalid, c.path,
			fmt.Sprintf("%s expired on %s; the pod would be given it all the same.", c, moment(f.At)),
			"Make a new version of it."), true
	case facts.NotYetValid:
		return found("AKV020", severity, field.ErrorTypeInvalid, c.path,
			fmt.Sprintf("%s is not valid before %s; the pod would be given it all the same.", c, moment(f.At)),
			"Wait, or make a version that is valid now."), true
	case facts.Faultless:
	}
	if expiry := c.object.Expiry(answer); !expiry.IsZero() && expiry.Sub(now) < r.vaultExpiryWarning {
		return found("AKV020", Warning, field.ErrorTypeInvalid, c.path,
			fmt.Sprintf("%s expires on %s.", c, moment(expiry)), "Make a new version of it in time."), true
	}
	return Finding{}, false
}

// String names the object in a message.
func (c vaultCheck) String() string {
	return fmt.Sprintf("The %s %q in the vault %q", c.object.Type, text.Shorten(c.name), text.Shorten(c.object.Vault))
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// command begins an az command about the object.
func (c vaultCheck) command(verb string) string {
	return fmt.Sprintf("az keyvault %s %s --vault-name %s --name %s", azNouns[c.object.Type], verb, c.object.Vault, text.Shorten(c.name))
}

var azNouns = map[string]string{provider.TypeSecret: "secret", provider.TypeKey: "key", provider.TypeCert: "certificate"}

// missingFix names the objects that were most likely meant, where names may be told.
func (c vaultCheck) missingFix(names []string) string {
	if near := text.NearestFew(c.name, names); len(near) > 0 {
		quoted := make([]string, 0, len(near))
		for _, n := range near {
			quoted = append(quoted, fmt.Sprintf("%q", text.Shorten(n)))
		}
		return "Did you mean " + strings.Join(quoted, " or ") + "?"
	}
	return fmt.Sprintf("Mend the name, or create the object. To see those that are there, run: az keyvault %s list --vault-name %s --query '[].name' -o tsv",
		azNouns[c.object.Type], c.object.Vault)
}

// uncheckedFindings tell of objects that were not checked, once for each vault and reason.
func uncheckedFindings(checks []vaultCheck) []Finding {
	type group struct{ vault, because, path string }
	var order []group
	names := map[group][]vaultCheck{}
	for _, c := range checks {
		g := group{c.object.Vault, c.because, c.path.String()}
		if names[g] == nil {
			order = append(order, g)
		}
		names[g] = append(names[g], c)
	}
	var findings []Finding
	for _, g := range order {
		first := names[g][0]
		what := fmt.Sprintf("%q of the vault %q was", text.Shorten(first.name), text.Shorten(g.vault))
		if more := len(names[g]) - 1; more > 0 {
			what = fmt.Sprintf("%q and %d more of the vault %q were", text.Shorten(first.name), more, text.Shorten(g.vault))
		}
		findings = append(findings, found("AKV020", Warning, field.ErrorTypeInternal, first.path, what+" not checked: "+text.Sentence(g.because), first.fix))
	}
	return findings
}
