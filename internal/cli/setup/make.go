package setup

import (
	"fmt"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// made marks what is made here, for the teardown.
const made = "kubectl-akv"

// command writes a command about the plan's cluster, with further values in pairs.
func (p *Plan) command(format string, pairs ...string) string {
	v := text.Values{"group": p.Group, "cluster": p.Cluster, "identity-group": p.IdentityGroup, "interval": p.Interval, "context": p.Context}
	for i := 0; i+1 < len(pairs); i += 2 {
		v[pairs[i]] = pairs[i+1]
	}
	return text.Command(format, v)
}

// variableOf is the name of the n-th variable of a kind: VAULT_1.
func variableOf(kind string, n int) string { return fmt.Sprintf("%s_%d", kind, n+1) }

// Steps make what the plan needs.
func (p *Plan) Steps() []Step {
	steps := p.clusterSteps()
	vaults := p.vaultVariables()
	for i, v := range p.Vaults {
		steps = append(steps, Step{
			Title:   p.command("vault {vault}", "vault", v),
			Look:    p.command("az keyvault show -n {vault} --query properties.enableRbacAuthorization -o tsv", "vault", v),
			Lacking: notTrue,
			Fails:   "The vault takes access policies, for which roles count nothing. Change it: az keyvault update -n " + v + " --enable-rbac-authorization true",
			Sets:    []Variable{{variableOf("VAULT", i), p.command("az keyvault show -n {vault} --query id -o tsv", "vault", v)}},
		})
	}
	for i := range p.Identities {
		steps = append(steps, p.identitySteps(i, &p.Identities[i], vaults)...)
	}
	for _, ns := range p.Namespaces {
		steps = append(steps, p.namespaceStep(ns))
	}
	return trimmed(steps)
}

func (p *Plan) namespaceStep(ns string) Step {
	return Step{
		Title:   p.command("namespace {namespace} has opted in", "namespace", ns),
		Look:    p.command(`kubectl (--context {context}) get namespace {namespace} -o jsonpath={.metadata.labels.azure\.keyvault\.injector/injection}`, "namespace", ns),
		Lacking: `[ "$seen" != ` + annotation.InjectionEnabled + ` ]`,
		Do: []string{
			p.command("kubectl (--context {context}) annotate --overwrite namespace {namespace} "+optedIn+"="+made, "namespace", ns),
			p.command("kubectl (--context {context}) label --overwrite namespace {namespace} "+annotation.LabelInjection+"="+annotation.InjectionEnabled, "namespace", ns),
		},
	}
}

// optedIn is an annotation of namespaces that have been opted in here.
const optedIn = "kubectl-akv/opted-in-by"

func (p *Plan) vaultVariables() map[string]string {
	names := map[string]string{}
	for i, v := range p.Vaults {
		names[v] = variableOf("VAULT", i)
	}
	return names
}

func (p *Plan) clusterSteps() []Step {
	const show = "az aks show -g {group} -n {cluster} -o tsv --query "
	const addon = "addonProfiles.azureKeyvaultSecretsProvider"
	interval, same := "", ""
	if p.Interval != "" {
		interval, same = " --rotation-poll-interval {interval}", "&&"+addon+".config.rotationPollInterval=='{interval}'"
	}
	return []Step{
		{
			Title: p.command("cluster {cluster} has an OIDC issuer and workload identity"),
			Look:  p.command(show + "oidcIssuerProfile.enabled&&securityProfile.workloadIdentity.enabled"), Lacking: notTrue,
			Do:   []string{p.command("az aks update -g {group} -n {cluster} --enable-oidc-issuer --enable-workload-identity -o none")},
			Sets: []Variable{p.issuer()},
		},
		{
			Title: p.command("cluster {cluster} has the Secrets Store CSI driver"),
			Look:  p.command(show + addon + ".enabled"), Lacking: notTrue,
			Do: []string{p.command("az aks enable-addons -g {group} -n {cluster} --addons azure-keyvault-secrets-provider --enable-secret-rotation" + interval + " -o none")},
		},
		{
			Title: p.command("cluster {cluster} rotates"),
			Look:  p.command(show + addon + ".config.enableSecretRotation=='true'" + same), Lacking: notTrue,
			Do: []string{p.command("az aks addon update -g {group} -n {cluster} --addon azure-keyvault-secrets-provider --enable-secret-rotation" + interval + " -o none")},
		},
		p.sameCluster(),
	}
}

// issuer is that of the cluster's tokens.
func (p *Plan) issuer() Variable {
	return Variable{"ISSUER", p.command("az aks show -g {group} -n {cluster} -o tsv --query oidcIssuerProfile.issuerUrl")}
}

// sameCluster ends a script for one cluster that would write to another. It wants ISSUER.
func (p *Plan) sameCluster() Step {
	return Step{
		Title:   "kubectl reaches the same cluster",
		Look:    p.command(`kubectl (--context {context}) get --raw /.well-known/openid-configuration`) + ` 2>/dev/null || echo '"issuer":"'"$ISSUER"'"'`,
		Lacking: `! printf '%s' "$seen" | grep -qF '"issuer":"'"$ISSUER"'"'`,
		Fails:   "kubectl reaches another cluster: its issuer is not that of " + p.Cluster + ". Choose its context: az aks get-credentials -g " + p.Group + " -n " + p.Cluster,
	}
}

// identitySteps set the variables IDENTITY_n, GROUP_n, CLIENT_n and PRINCIPAL_n of an identity, and give it what it needs.
func (p *Plan) identitySteps(n int, i *Identity, vaults map[string]string) []Step {
	steps := []Step{p.identityStep(n, i)}
	for _, a := range i.Accounts {
		if a.Binding {
			steps = append(steps, p.bindingSteps(n, i, a)...)
		} else {
			steps = append(steps, p.federatedStep(n, a))
		}
	}
	for _, g := range i.Grants {
		steps = append(steps, p.grantStep(n, i, g, vaults[g.Vault]))
	}
	for _, a := range i.Accounts {
		steps = append(steps, p.accountStep(n, a))
	}
	return steps
}

// identityStep finds or makes an identity.
func (p *Plan) identityStep(n int, i *Identity) Step {
	list := "az identity list -o tsv --query [?clientId=='{client}']"
	step := Step{Title: p.command("managed identity {client}", "client", i.ClientID), Fails: "No managed identity of the subscription has the client id " + i.ClientID + ". Choose its subscription: az account set --subscription NAME"}
	if i.Name != "" {
		list = "az identity list -g {identity-group} -o tsv --query [?name=='{identity}']"
		step = Step{
			Title: p.command("managed identity {identity}", "identity", i.Name),
			Do:    []string{p.command("az identity create -g {identity-group} -n {identity} --tags managedBy="+made+" -o none", "identity", i.Name)},
		}
	}
	show := func(field string) string {
		return p.command(list+"."+field, "identity", i.Name, "client", i.ClientID)
	}
	step.Look, step.Lacking = show("name"), nothing
	step.Sets = []Variable{
		{variableOf("IDENTITY", n), show("name")},
		{variableOf("GROUP", n), show("resourceGroup")},
		{variableOf("CLIENT", n), show("clientId")},
		{variableOf("PRINCIPAL", n), show("principalId")},
		{variableOf("TENANT", n), show("tenantId")},
	}
	return step
}

// of puts the variables of the n-th identity into a format.
func of(format string, n int) string {
	return ordinal.ReplaceAllStringFunc(format, func(v string) string { return "$" + variableOf(v[1:len(v)-2], n) })
}

func (p *Plan) federatedStep(n int, a Account) Step {
	pairs := []string{"namespace", a.Namespace, "account", a.Name, "name", p.credentialName(a)}
	return Step{
		Title: p.command("federated credential for {namespace}/{account}", pairs...), Grant: true,
		Look:    p.command(of("az identity federated-credential list --identity-name $IDENTITY_n -g $GROUP_n -o tsv --query [?subject=='system:serviceaccount:{namespace}:{account}'].issuer", n), pairs...),
		Lacking: without("ISSUER"),
		Do: []string{p.command(of("az identity federated-credential create --identity-name $IDENTITY_n -g $GROUP_n -n {name} --issuer $ISSUER --subject system:serviceaccount:{namespace}:{account}"+
			" --audiences "+provider.TokenAudience+" -o none", n), pairs...)},
	}
}

// bindingSteps bind the identity to the cluster, and let the account use it.
func (p *Plan) bindingSteps(n int, i *Identity, a Account) []Step {
	pairs := []string{"name", bindingName(p, i), "role", roleName(i, a), "namespace", a.Namespace, "account", a.Name}
	list := "az identity list -o tsv --query [?clientId=='$CLIENT_n'].id"
	return []Step{
		{
			Title: p.command("identity binding of cluster {cluster}"),
			Look:  p.command("az aks identity-binding list -g {group} --cluster-name {cluster} -o tsv --query [?name=='{name}'].name", pairs...), Lacking: nothing,
			Do: []string{
				variableOf("ID", n) + "=$(" + p.command(of(list, n)) + ")",
				p.command(of("az aks identity-binding create -g {group} --cluster-name {cluster} -n {name} --managed-identity-resource-id $ID_n -o none", n), pairs...),
			},
		},
		{
			Title: p.command("ClusterRole by which {namespace}/{account} may use the identity", pairs...), Grant: true,
			Look: p.command("kubectl (--context {context}) get clusterrole {role} --ignore-not-found -o jsonpath={.rules[*].resources[*]}", pairs...), Lacking: `[ "$seen" != "` + of("$CLIENT_n", n) + `" ]`,
			Do: []string{
				"printf '" + provider.BindingRoleFormat + "' " + p.command(of("{role} $CLIENT_n {role} {role} {account} {namespace}", n), pairs...) + " |",
				"  " + p.command("kubectl (--context {context}) apply -f -"),
			},
		},
	}
}

func (p *Plan) grantStep(n int, i *Identity, g Grant, vault string) Step {
	scope := "$" + vault
	title := " on vault {vault}"
	pairs := []string{
		"vault", g.Vault, "object", g.Object, "type", g.Type, "collection", provider.AccessTo(g.Type).Collection,
		"id", assignmentID(p.IdentityGroup, i, g), "role", g.RoleID,
	}
	if g.Object != "" {
		scope, title = scope+"/{collection}/{object}", " on {vault}/{type}/{object}"
	}
	return Step{
		Title: g.Role + " " + p.command(title, pairs...), Grant: true,
		Look:    p.command("az role assignment list --role {role} --scope "+scope+" -o tsv --query [].principalId", pairs...),
		Lacking: without(variableOf("PRINCIPAL", n)),
		Do: []string{
			// One of an identity of the same name that has been deleted stays, and would be in the way.
			p.command("az role assignment list --all -o tsv --query [?name=='{id}'].id", pairs...) + ` | while read -r stale; do`,
			`  az role assignment delete --ids "$stale"`,
			"done",
			p.command(of("az role assignment create --name {id} --role {role} --assignee-object-id $PRINCIPAL_n --assignee-principal-type ServicePrincipal --scope "+scope+" -o none", n), pairs...),
		},
	}
}

func (p *Plan) accountStep(n int, a Account) Step {
	pairs := []string{"namespace", a.Namespace, "account", a.Name}
	kubectl := func(format string) string {
		return p.command(of("kubectl (--context {context}) "+format, n), pairs...)
	}
	return Step{
		Title:   p.command("ServiceAccount {namespace}/{account}", pairs...),
		Look:    kubectl(`get serviceaccount -n {namespace} {account} --ignore-not-found -o jsonpath={.metadata.annotations.azure\.workload\.identity/client-id}`),
		Lacking: `[ "$seen" != "` + of("$CLIENT_n", n) + `" ]`,
		Do: []string{
			"if [ -z \"$(" + kubectl("get serviceaccount -n {namespace} {account} --ignore-not-found -o name") + ")\" ]; then",
			"  " + kubectl("create serviceaccount -n {namespace} {account}"),
			"  " + kubectl("label serviceaccount -n {namespace} {account} "+annotation.LabelManagedBy+"="+made),
			"fi",
			// Without --overwrite: an account that stands for another identity stays what it is.
			kubectl("annotate serviceaccount -n {namespace} {account} " + provider.AnnotationClientID + "=$CLIENT_n " + provider.AnnotationTenantID + "=$TENANT_n"),
		},
	}
}

// bindingName is the name of an identity's binding, and roleName that of the ClusterRole by which an account may use it.
func bindingName(p *Plan, i *Identity) string { return name(p.Cluster, i.Name+i.ClientID) }

func roleName(i *Identity, a Account) string {
	return name("akv", a.Namespace, a.Name, i.Name+i.ClientID)
}
