package setup

import (
	"fmt"
	"strings"

	"akv-injector/inject/provider"
)

// Bicep writes a Bicep template for the resource group of the identities.
func Bicep(p *Plan, version string) (string, []error) {
	if errs := p.placeErrors(); errs != nil {
		return "", errs
	}
	l := &lines{comment: "//"}
	deployment := deploymentName(p.Cluster, p.IdentityGroup)
	p.head(l, version, "Deploy it: "+p.command("az deployment group create -g {identity-group} -n {name} -f FILE", "name", deployment))
	l.add("")
	l.add("resource cluster 'Microsoft.ContainerService/managedClusters@2024-09-01' existing = {")
	l.add("  name: '%s'", p.Cluster)
	l.add("  scope: resourceGroup('%s')", p.Group)
	l.add("}")
	for n := range p.Identities {
		i := &p.Identities[n]
		p.bicepIdentity(l, n, i)
		p.bicepCredentials(l, n, i)
		if i.bound() {
			p.bicepNested(l, fmt.Sprintf("binding%d", n+1), deploymentName("binding", p.Cluster, bindingName(p, i)), p.Group, func() {
				bicepResource(l, bindingAPI, p.Cluster+"/"+bindingName(p, i), "", func() {
					l.add("            managedIdentity: { resourceId: identity%d.id }", n+1)
				})
			})
		}
	}
	for v, vault := range p.Vaults {
		p.bicepNested(l, fmt.Sprintf("vault%d", v+1), deploymentName("vault", p.Cluster, p.IdentityGroup, vault), p.vaultGroup(vault), func() {
			for n := range p.Identities {
				i := &p.Identities[n]
				for _, g := range i.Grants {
					if g.Vault == vault {
						l.add("        // %s", g.Role)
						bicepResource(l, "Microsoft.Authorization/roleAssignments@2022-04-01", assignmentID(p.IdentityGroup, i, g), "Microsoft.KeyVault/vaults/"+vault+g.below(), func() {
							l.add("            roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '%s')", g.RoleID)
							l.add("            principalId: identity%d.properties.principalId", n+1)
							l.add("            principalType: 'ServicePrincipal'")
						})
					}
				}
			}
		})
	}
	for n := range p.Identities {
		l.add("")
		l.add("output client%d string = identity%[1]d.properties.clientId", n+1)
		l.add("output tenant%d string = identity%[1]d.properties.tenantId", n+1)
	}
	p.rest(l, func(n int, output string) string {
		return p.command("az deployment group show -g {identity-group} -n {deployment} --query properties.outputs.{output}.value -o tsv", "deployment", deployment, "output", fmt.Sprintf("%s%d", output, n+1))
	})
	return l.String(), nil
}

func (p *Plan) bicepIdentity(l *lines, n int, i *Identity) {
	const kind = "Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31"
	l.add("")
	if i.Name == "" {
		known := p.Place.Known[i.ClientID]
		l.add("resource identity%d '%s' existing = {", n+1, kind)
		l.add("  name: '%s'", known.Name)
		l.add("  scope: resourceGroup('%s')", known.Group)
		l.add("}")
		return
	}
	l.add("resource identity%d '%s' = {", n+1, kind)
	l.add("  name: '%s'", i.Name)
	l.add("  location: resourceGroup().location")
	l.add("  tags: { managedBy: '%s' }", made)
	l.add("}")
}

// bicepCredentials come one after the other: Entra ID refuses two at once for one identity.
func (p *Plan) bicepCredentials(l *lines, n int, i *Identity) {
	group, identity := p.IdentityGroup, i.Name
	if i.Name == "" {
		group, identity = p.Place.Known[i.ClientID].Group, p.Place.Known[i.ClientID].Name
	}
	before := ""
	for c, a := range i.Accounts {
		if a.Binding {
			continue
		}
		symbol := fmt.Sprintf("credential%d_%d", n+1, c+1)
		after := []string{fmt.Sprintf("identity%d", n+1)}
		if i.Name == "" {
			after = nil // It is there.
		}
		if before != "" {
			after = append(after, before)
		}
		p.bicepNested(l, symbol, deploymentName("credential", p.credentialName(a)), group, func() {
			bicepResource(l, "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31", identity+"/"+p.credentialName(a), "", func() {
				l.add("            issuer: cluster.properties.oidcIssuerProfile.issuerURL")
				l.add("            subject: '%s'", subject(a))
				l.add("            audiences: ['%s']", provider.TokenAudience)
			})
		}, after...)
		before = symbol
	}
}

// bicepNested is a deployment to a resource group, which may be another than that of the template, without a file of its own.
func (p *Plan) bicepNested(l *lines, symbol, deployment, group string, resources func(), after ...string) {
	l.add("")
	l.add("#disable-next-line no-deployments-resources")
	l.add("resource %s 'Microsoft.Resources/deployments@2024-03-01' = {", symbol)
	l.add("  name: '%s'", deployment)
	l.add("  resourceGroup: '%s'", group)
	l.add("  properties: {")
	l.add("    mode: 'Incremental'")
	l.add("    template: {")
	l.add("      '$schema': 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'")
	l.add("      contentVersion: '1.0.0.0'")
	l.add("      resources: [")
	resources()
	l.add("      ]")
	l.add("    }")
	l.add("  }")
	if len(after) > 0 {
		l.add("  dependsOn: [")
		for _, a := range after {
			l.add("    %s", a)
		}
		l.add("  ]")
	}
	l.add("}")
}

// bicepResource is a resource of a nested deployment.
func bicepResource(l *lines, kind, resourceName, scope string, properties func()) {
	kind, version, _ := strings.Cut(kind, "@")
	l.add("        {")
	l.add("          type: '%s'", kind)
	l.add("          apiVersion: '%s'", version)
	l.add("          name: '%s'", resourceName)
	if scope != "" {
		l.add("          scope: '%s'", scope)
	}
	l.add("          properties: {")
	properties()
	l.add("          }")
	l.add("        }")
}

// deploymentName is a name of at most 64 characters.
func deploymentName(parts ...string) string {
	return shortName(50, append([]string{"akv"}, parts...)...)
}
