package setup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// Place says where resources are that a template must name and a command can look for.
type Place struct {
	// VaultGroups are the resource groups of vaults, by their names in small letters, and of all others by "". It is the cluster's if nothing is said.
	VaultGroups map[string]string
	// Known are the managed identities that are there, by their client ids.
	Known map[string]KnownIdentity
	// Subscription, Location of new identities, and Issuer of the cluster's tokens: Azure Service Operator cannot look them up.
	Subscription, Location, Issuer string
}

// KnownIdentity is a managed identity that is there.
type KnownIdentity struct{ Group, Name string }

// Template writes what a plan needs of Azure for a tool that keeps it so.
type Template func(p *Plan, version string) (string, []error)

// Templates by the names of their formats.
var Templates = map[string]Template{"bicep": Bicep, "terraform": Terraform, "aso": ServiceOperator}

// vaultGroup is the resource group of a vault.
func (p *Plan) vaultGroup(vault string) string {
	groups := p.Place.VaultGroups
	return cmp.Or(groups[strings.ToLower(vault)], groups[""], p.Group)
}

// placeErrors are the values of a place that cannot stand in a template, and the identities of which nobody said where they are.
func (p *Plan) placeErrors() []error {
	var errs []error
	check := func(flag, value string) {
		if value != "" && !text.Plain(value) {
			errs = append(errs, fmt.Errorf("--%s: %q cannot stand in a template", flag, text.Shorten(value)))
		}
	}
	for _, vault := range p.Vaults {
		check("vault-resource-group", p.vaultGroup(vault))
	}
	for _, i := range p.Identities {
		if i.ClientID == "" {
			continue
		}
		known := p.Place.Known[i.ClientID]
		check("managed-identity", known.Group)
		check("managed-identity", known.Name)
		if known.Group == "" || known.Name == "" {
			errs = append(errs, fmt.Errorf("--managed-identity: a template must know where %s is; write %s=GROUP/NAME with what this prints: %s", i.ClientID, i.ClientID,
				p.command(`az identity list --query [?clientId=='{client}'].[resourceGroup,name] -o tsv`, "client", i.ClientID)))
		}
	}
	check("subscription", p.Place.Subscription)
	check("location", p.Place.Location)
	check("issuer", p.Place.Issuer)
	return errs
}

// lines are those of a template.
type lines struct {
	strings.Builder
	// comment begins one.
	comment string
}

func (l *lines) add(format string, args ...any) { fmt.Fprintf(l, format+"\n", args...) }

func (l *lines) say(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		l.add("%s", strings.TrimRight(l.comment+" "+strings.TrimRight(line, "\n"), " "))
	}
}

// head says what a template is for, and what it leaves to others.
func (p *Plan) head(l *lines, version, use string) {
	l.say("What the workloads of %s need of Azure. Written by kubectl akv setup %s.", strings.Join(p.Namespaces, ", "), version)
	l.say("")
	interval := ""
	if p.Interval != "" {
		interval = ", rotationPollInterval '" + p.Interval + "'"
	}
	l.say("The cluster's own template has its features: an OIDC issuer, workload identity, and the add-on")
	l.say("azureKeyvaultSecretsProvider with enableSecretRotation 'true'%s. Vaults take roles, and not access policies.", interval)
	for _, note := range p.Notes {
		l.say("Note: %s", text.Printable(note))
	}
	l.say("")
	l.say("%s", use)
}

// rest says what is to be done in Kubernetes, with the commands by which a format tells the client and the tenant id of an identity.
func (p *Plan) rest(l *lines, told func(n int, output string) string) {
	l.add("")
	l.say("When it is made, Kubernetes is told of it, or write the same into your manifests:")
	l.say("")
	for n := range p.Identities {
		i := &p.Identities[n]
		l.say("%s=$(%s)", variableOf("CLIENT", n), told(n, "client"))
		l.say("%s=$(%s)", variableOf("TENANT", n), told(n, "tenant"))
		for _, a := range i.Accounts {
			if a.Binding {
				l.say("%s", strings.Join(p.bindingSteps(n, i, a)[1].Do, "\n"))
			}
			l.say("%s", strings.Join(p.accountStep(n, a).Do, "\n"))
		}
	}
	for _, ns := range p.Namespaces {
		l.say("%s", strings.Join(p.namespaceStep(ns).Do, "\n"))
	}
}

// credentialName is the name of an account's federated credential.
func (p *Plan) credentialName(a Account) string { return name(p.Cluster, a.Namespace, a.Name) }

func subject(a Account) string { return "system:serviceaccount:" + a.Namespace + ":" + a.Name }

// bindingAPI is the version of the resource by which an identity is bound to a cluster. It is a preview.
const bindingAPI = "Microsoft.ContainerService/managedClusters/identityBindings@2025-10-02-preview"

// bound reports whether an account of an identity reaches it by a binding.
func (i *Identity) bound() bool {
	return slices.ContainsFunc(i.Accounts, func(a Account) bool { return a.Binding })
}

// below is a grant's scope after the id of its vault.
func (g *Grant) below() string {
	if g.Object == "" {
		return ""
	}
	return "/" + provider.AccessTo(g.Type).Collection + "/" + g.Object
}
