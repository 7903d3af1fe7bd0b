package rules

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV020 checks the vaults' answers about the objects of the request, of the mounted classes
// (overridden by the volume's attributes) and of a class without a pod. It prevents pods that
// wait in ContainerCreating for a missing object: the provider 1.8.2 fails the mount of all
// objects if the vault lacks one of them (404) or has a secret disabled (403). Key Vault
// returns expired objects like any others, so programs would run with credentials that
// other systems no longer accept.
//
// Vaults are queried only if the namespace's allowed-vaults matches them: otherwise users
// who may create pods could learn from the answers what any vault holds. An object that could
// not be queried is reported, and refuses nothing.
var objectUnavailable = Rule{
	Rule: finding.Rule{
		ID: "AKV020", Name: "object-unavailable", Severities: []finding.Severity{finding.Error, finding.Warning}, Waivable: true,
		Lookups:  finding.Namespace | finding.Classes,
		Exempts:  finding.AskingToo,
		Summary:  "An object that is missing in the vault, disabled, expired or not yet valid. Warnings report an object that expires soon, and objects that were not checked. Only if vault-checks is on.",
		Prevents: "The pod never starts, because one missing object fails the mount, or it starts with an expired object.",
		Evidence: "The Azure provider 1.8.2 fails the whole mount if the vault answers one object with an error; Key Vault answers 404 for a missing object and 403 for a disabled secret, and returns expired objects.",
		Remedy:   "Correct the name, or create, enable or renew the object in the vault.",
	},
	AsksVaults: true,
	Pod:        checkVaultsOfPod,
	Class:      checkVaultsOfClass,
}

func checkVaultsOfPod(p *Pod, r *Report) {
	p.findVaultChecks()
	judgeVaults(r, p.vaults.checks, p.Policy, p.Facts)
}

func checkVaultsOfClass(c *Class, r *Report) {
	if c.Facts.Vault != nil { // else no vault was queried
		judgeVaults(r, c.vaultChecks().checks, c.Policy, c.Facts)
	}
}

// judgeVaults compares the checks with the vaults' answers. It reports nothing about an object
// without an answer, because that was not queried.
func judgeVaults(r *Report, checks []vaultCheck, p *policy.Policy, f facts.Facts) {
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
			c.because = "it has too many versions to check them all"
			c.fix = "Purge old versions that are not needed."
			unchecked = append(unchecked, c)
			continue
		}
		if judged := judgeVault(r, c, answer, p, f.Now); judged != nil && c.volume != nil {
			*judged = policy.ByClass(c.volume.waived, *judged)
		}
	}
	reportUnchecked(r, unchecked)
}

// judgeVault reports what is wrong with one object, or returns nil. Most objects have no
// fault, and no text is built for them.
func judgeVault(r *Report, c vaultCheck, answer facts.VaultAnswer, p *policy.Policy, now time.Time) *finding.Finding {
	severity := finding.Warning
	if p.VaultChecks == policy.VaultChecksEnforce {
		severity = finding.Error
	}
	switch f := c.object.Fault(answer, now); f.Kind {
	case facts.Missing:
		return r.add(severity, field.ErrorTypeNotFound, c.path,
			fmt.Sprintf("The vault %q has no %s %q, so the volume cannot be mounted and the pod does not start.", text.Shorten(c.object.Vault), c.object.Type, text.Shorten(c.name)),
			c.missingFix(answer.Names))
	case facts.VersionMissing:
		return r.add(severity, field.ErrorTypeNotFound, c.path,
			fmt.Sprintf("%s has no version %q, so the volume cannot be mounted and the pod does not start.", c, text.Shorten(c.object.Version)),
			"Remove objectVersion to follow the newest version.")
	case facts.Disabled:
		consequence := "the pod still gets its public part."
		if c.object.Type == provider.TypeSecret {
			consequence = "the vault does not return it, so the volume cannot be mounted and the pod does not start."
		}
		return r.add(severity, field.ErrorTypeForbidden, c.path,
			fmt.Sprintf("%s is disabled: %s", c, consequence),
			"Enable it, or create a new version. Run: "+c.command("set-attributes")+" --enabled true")
	case facts.Expired:
		return r.add(severity, field.ErrorTypeInvalid, c.path,
			fmt.Sprintf("%s expired on %s; the pod would get it anyway.", c, moment(f.At)),
			"Create a new version of it.")
	case facts.NotYetValid:
		return r.add(severity, field.ErrorTypeInvalid, c.path,
			fmt.Sprintf("%s is not valid before %s; the pod would get it anyway.", c, moment(f.At)),
			"Wait, or create a version that is valid now.")
	case facts.Faultless:
	}
	if expiry := c.object.Expiry(answer); !expiry.IsZero() && expiry.Sub(now) < p.VaultExpiryWarning {
		return r.Warn(field.ErrorTypeInvalid, c.path,
			fmt.Sprintf("%s expires on %s.", c, moment(expiry)),
			"Create a new version of it before that.")
	}
	return nil
}

// String names the object in a message.
func (c vaultCheck) String() string {
	return fmt.Sprintf("The %s %q in the vault %q", c.object.Type, text.Shorten(c.name), text.Shorten(c.object.Vault))
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// command returns the beginning of an az command for the object.
func (c vaultCheck) command(verb string) string {
	return text.Command("az keyvault "+azNouns[c.object.Type]+" "+verb+" --vault-name {vault} --name {name}", text.Values{"vault": c.object.Vault, "name": c.name})
}

var azNouns = map[string]string{provider.TypeSecret: "secret", provider.TypeKey: "key", provider.TypeCert: "certificate"}

// missingFix suggests objects with similar names, if the vault's names may be disclosed.
func (c vaultCheck) missingFix(names []string) string {
	if near := text.NearestFew(c.name, names); len(near) > 0 {
		quoted := make([]string, 0, len(near))
		for _, n := range near {
			quoted = append(quoted, fmt.Sprintf("%q", text.Shorten(n)))
		}
		return "Did you mean " + strings.Join(quoted, " or ") + "?"
	}
	return "Correct the name, or create the object. To list existing objects, run: " +
		text.Command("az keyvault "+azNouns[c.object.Type]+" list --vault-name {vault} --query [].name -o tsv", text.Values{"vault": c.object.Vault})
}

// reportUnchecked reports objects that were not checked, once for each vault and reason.
func reportUnchecked(r *Report, checks []vaultCheck) {
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
	for _, g := range order {
		first := names[g][0]
		what := fmt.Sprintf("%q of the vault %q was", text.Shorten(first.name), text.Shorten(g.vault))
		if more := len(names[g]) - 1; more > 0 {
			what = fmt.Sprintf("%q and %d more of the vault %q were", text.Shorten(first.name), more, text.Shorten(g.vault))
		}
		r.Warn(field.ErrorTypeInternal, first.path,
			what+" not checked: "+text.Sentence(g.because),
			first.fix)
	}
}
