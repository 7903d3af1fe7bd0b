package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"akv-injector/inject/provider"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/setup"
)

// placeFlags are those of templates: where resources are that a script looks for.
type placeFlags struct {
	vaultGroups, identities        []string
	subscription, location, issuer string
}

func (f *placeFlags) bind(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.vaultGroups, "vault-resource-group", nil, "for templates, the resource `group` of the vaults, or VAULT=GROUP of one; the cluster's by default")
	flags.StringArrayVar(&f.identities, "managed-identity", nil, "for templates, `CLIENT-ID=GROUP/NAME` of a managed identity that is there")
	flags.StringVar(&f.subscription, "subscription", "", "for -o aso, the `id` of the subscription")
	flags.StringVar(&f.location, "location", "", "for -o aso, the `region` of new managed identities")
	flags.StringVar(&f.issuer, "issuer", "", "for -o aso, the `URL` of the cluster's OIDC issuer")
}

func (f *placeFlags) errors(output string) []error {
	var errs []error
	if setup.Templates[output] == nil {
		for name, set := range map[string]bool{"vault-resource-group": f.vaultGroups != nil, "managed-identity": f.identities != nil} {
			if set {
				errs = append(errs, fmt.Errorf("--%s is for -o bicep, terraform and aso: a script looks for it", name))
			}
		}
	}
	if output != "aso" {
		for name, value := range map[string]string{"subscription": f.subscription, "location": f.location, "issuer": f.issuer} {
			if value != "" {
				errs = append(errs, fmt.Errorf("--%s is for -o aso", name))
			}
		}
	}
	for _, identity := range f.identities {
		client, place, _ := strings.Cut(identity, "=")
		group, name, _ := strings.Cut(place, "/")
		if provider.ClientIDProblem(client).Found() || group == "" || name == "" || strings.Contains(name, "/") {
			errs = append(errs, fmt.Errorf("--managed-identity=%s: write CLIENT-ID=GROUP/NAME", lint.Printable(identity)))
		}
	}
	for _, group := range f.vaultGroups {
		if vault, of, found := strings.Cut(group, "="); group == "" || found && (vault == "" || of == "") {
			errs = append(errs, fmt.Errorf("--vault-resource-group=%s: write GROUP, or VAULT=GROUP", lint.Printable(group)))
		}
	}
	return errs
}

func (f *placeFlags) place() setup.Place {
	p := setup.Place{VaultGroups: map[string]string{}, Known: map[string]setup.KnownIdentity{}, Subscription: f.subscription, Location: f.location, Issuer: f.issuer}
	for _, value := range f.vaultGroups {
		if vault, group, found := strings.Cut(value, "="); found {
			p.VaultGroups[strings.ToLower(vault)] = group
		} else {
			p.VaultGroups[""] = value
		}
	}
	for _, identity := range f.identities {
		client, place, _ := strings.Cut(identity, "=")
		group, name, _ := strings.Cut(place, "/")
		p.Known[client] = setup.KnownIdentity{Group: group, Name: name}
	}
	return p
}
