package setup

import (
	"fmt"

	"akv-injector/inject/provider"
)

// Terraform writes a Terraform configuration for azurerm 4, and azapi where there are identity bindings.
func Terraform(p *Plan, version string) (string, []error) {
	if errs := p.placeErrors(); errs != nil {
		return "", errs
	}
	l := &lines{comment: "#"}
	p.head(l, version, "Put it beside the provider blocks of your configuration, and apply it.")
	l.add("")
	l.add("terraform {")
	l.add("  required_providers {")
	l.provider("azurerm", "hashicorp/azurerm", "~> 4.0")
	for n := range p.Identities {
		if p.Identities[n].bound() {
			l.provider("azapi", "Azure/azapi", "~> 2.0")
			break
		}
	}
	l.add("  }")
	l.add("}")
	l.block(`data "azurerm_kubernetes_cluster" "cluster"`, "name", quoted(p.Cluster), "resource_group_name", quoted(p.Group))
	for v, vault := range p.Vaults {
		l.block(fmt.Sprintf(`data "azurerm_key_vault" "vault_%d"`, v+1), "name", quoted(vault), "resource_group_name", quoted(p.vaultGroup(vault)))
	}
	for n := range p.Identities {
		p.terraformIdentity(l, n, &p.Identities[n])
	}
	p.rest(l, func(n int, output string) string {
		return p.command("terraform output -raw {output}", "output", fmt.Sprintf("%s-%d", output, n+1))
	})
	return l.String(), nil
}

func (p *Plan) terraformIdentity(l *lines, n int, i *Identity) {
	kind, group := "azurerm_user_assigned_identity.", quoted(p.IdentityGroup)
	label := fmt.Sprintf("identity_%d", n+1)
	if i.Name == "" {
		known := p.Place.Known[i.ClientID]
		kind, group = "data."+kind, quoted(known.Group)
		l.block(fmt.Sprintf(`data "azurerm_user_assigned_identity" "%s"`, label), "name", quoted(known.Name), "resource_group_name", group)
	} else {
		l.block(fmt.Sprintf(`resource "azurerm_user_assigned_identity" "%s"`, label),
			"name", quoted(i.Name), "resource_group_name", group, "location", "data.azurerm_kubernetes_cluster.cluster.location", "tags", `{ managedBy = "`+made+`" }`)
	}
	identity := kind + label
	for c, a := range i.Accounts {
		if !a.Binding {
			l.block(fmt.Sprintf(`resource "azurerm_federated_identity_credential" "credential_%d_%d"`, n+1, c+1),
				"name", quoted(p.credentialName(a)), "resource_group_name", group, "parent_id", identity+".id",
				"issuer", "data.azurerm_kubernetes_cluster.cluster.oidc_issuer_url", "subject", quoted(subject(a)), "audience", "["+quoted(provider.TokenAudience)+"]")
		}
	}
	if i.bound() {
		l.block(fmt.Sprintf(`resource "azapi_resource" "binding_%d"`, n+1),
			"type", quoted(bindingAPI), "name", quoted(bindingName(p, i)), "parent_id", "data.azurerm_kubernetes_cluster.cluster.id",
			"body", "{ properties = { managedIdentity = { resourceId = "+identity+".id } } }")
	}
	vaults := map[string]int{}
	for v, vault := range p.Vaults {
		vaults[vault] = v + 1
	}
	for g, grant := range i.Grants {
		l.block(fmt.Sprintf(`resource "azurerm_role_assignment" "role_%d_%d"`, n+1, g+1),
			"name", quoted(assignmentID(p.IdentityGroup, i, grant)),
			"scope", quoted(fmt.Sprintf("${data.azurerm_key_vault.vault_%d.id}%s", vaults[grant.Vault], grant.below())),
			"role_definition_name", quoted(grant.Role), "principal_id", identity+".principal_id", "principal_type", quoted("ServicePrincipal"))
	}
	l.block(fmt.Sprintf(`output "client-%d"`, n+1), "value", identity+".client_id")
	l.block(fmt.Sprintf(`output "tenant-%d"`, n+1), "value", identity+".tenant_id")
}

func quoted(value string) string { return `"` + value + `"` }

// block is a block with attributes in pairs, aligned as terraform fmt does.
func (l *lines) block(head string, pairs ...string) {
	most := 0
	for i := 0; i < len(pairs); i += 2 {
		most = max(most, len(pairs[i]))
	}
	l.add("\n%s {", head)
	for i := 0; i < len(pairs); i += 2 {
		l.add("  %-*s = %s", most, pairs[i], pairs[i+1])
	}
	l.add("}")
}

func (l *lines) provider(name, source, version string) {
	l.add("    %s = {", name)
	l.add("      source  = %q", source)
	l.add("      version = %q", version)
	l.add("    }")
}
