package setup

import (
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// TeardownSteps remove what Steps have made, and nothing else: what was there before, what others have made, the cluster's own
// features, and identities that are used elsewhere stay.
func (p *Plan) TeardownSteps() []Step {
	steps := []Step{{Title: p.command("cluster {cluster}"), Sets: []Variable{p.issuer()}}, p.sameCluster()}
	each := func(do func(a Account)) {
		for i := range p.Identities {
			for _, a := range p.Identities[i].Accounts {
				do(a)
			}
		}
	}
	each(func(a Account) {
		steps = append(steps, Step{
			Title:   p.command("no pod uses {namespace}/{account}", "namespace", a.Namespace, "account", a.Name),
			Look:    p.command("kubectl (--context {context}) get pods -n {namespace} --field-selector spec.serviceAccountName={account},status.phase!=Succeeded,status.phase!=Failed -o name", "namespace", a.Namespace, "account", a.Name),
			Lacking: some,
			Fails:   "Pods still use it: delete their workloads first. Nothing has been removed.",
		})
	})
	for n := range p.Identities {
		steps = append(steps, p.identityTeardown(n, &p.Identities[n])...)
	}
	for _, ns := range p.Namespaces {
		steps = append(steps, Step{
			Title: p.command("namespace {namespace} was opted in by kubectl akv setup", "namespace", ns),
			Look:  p.command(`kubectl (--context {context}) get namespace {namespace} --ignore-not-found -o jsonpath={.metadata.annotations.kubectl-akv/opted-in-by}`, "namespace", ns), Lacking: some,
			Do: []string{
				p.command("kubectl (--context {context}) label namespace {namespace} "+annotation.LabelInjection+"-", "namespace", ns),
				p.command("kubectl (--context {context}) annotate namespace {namespace} "+optedIn+"-", "namespace", ns),
			},
		})
	}
	return trimmed(steps)
}

func (p *Plan) identityTeardown(n int, i *Identity) []Step {
	found := p.identityStep(n, i)
	// Without it there is nothing to look for.
	steps := []Step{{Title: found.Title, Sets: found.Sets}}
	for _, g := range i.Grants {
		steps = append(steps, Step{
			Title: g.Role + " " + p.command("on {vault} {object}", "vault", g.Vault, "object", orAll(g.Object)),
			Look:  p.command("az role assignment list --all -o tsv --query [?name=='{id}'].id", "id", assignmentID(p.IdentityGroup, i, g)), Lacking: some,
			Do: []string{`az role assignment delete --ids "$seen"`},
		})
	}
	for _, a := range i.Accounts {
		steps = append(steps, p.accountTeardown(n, i, a)...)
	}
	if i.Name != "" {
		steps = append(steps, Step{
			Title: p.command("managed identity {identity} was made by kubectl akv setup", "identity", i.Name),
			Look: `if [ -n "$(` + p.command("az identity list -g {identity-group} -o tsv --query [?name=='{identity}'&&tags.managedBy=='"+made+"'].name", "identity", i.Name) + `)" ]; then` +
				"\n  used=$(" + p.command(of("az identity federated-credential list --identity-name $IDENTITY_n -g $GROUP_n -o tsv --query [].name", n)) + ")$(" +
				p.command("az role assignment list --all -o tsv --query [].principalId") + ` | grep -xF "` + of("$PRINCIPAL_n", n) + `" || :)` +
				"\n  if [ -z \"$used\" ]; then echo unused; else echo 'It is used elsewhere, and stays.' >&2; fi\nfi",
			Lacking: some,
			Do:      []string{p.command("az identity delete -g {identity-group} -n {identity}", "identity", i.Name)},
		})
	}
	return steps
}

func orAll(object string) string {
	if object == "" {
		return "as a whole"
	}
	return object
}

func (p *Plan) accountTeardown(n int, i *Identity, a Account) []Step {
	pairs := []string{"namespace", a.Namespace, "account", a.Name, "name", p.credentialName(a), "role", roleName(i, a)}
	kubectl := func(format string) string {
		return p.command("kubectl (--context {context}) "+format, pairs...)
	}
	exists := `if [ -n "` + of("$IDENTITY_n", n) + `" ]; then `
	steps := []Step{}
	if a.Binding {
		steps = append(steps, Step{
			Title: p.command("ClusterRole by which {namespace}/{account} may use the identity", pairs...),
			Look:  kubectl("get clusterrole {role} --ignore-not-found -o name"), Lacking: some,
			Do: []string{kubectl("delete --ignore-not-found clusterrolebinding {role}"), kubectl("delete --ignore-not-found clusterrole {role}")},
		})
		steps = append(steps, p.bindingTeardown(n, i)...)
	} else {
		steps = append(steps, Step{
			Title: p.command("federated credential for {namespace}/{account}", pairs...),
			Look:  exists + p.command(of("az identity federated-credential list --identity-name $IDENTITY_n -g $GROUP_n -o tsv --query [?name=='{name}'].name", n), pairs...) + "; fi", Lacking: some,
			Do: []string{p.command(of("az identity federated-credential delete --identity-name $IDENTITY_n -g $GROUP_n -n {name} --yes", n), pairs...)},
		})
	}
	return append(steps, Step{
		Title: p.command("ServiceAccount {namespace}/{account}", pairs...),
		Look:  kubectl("get serviceaccounts -n {namespace} -l " + annotation.LabelManagedBy + "=" + made + " --field-selector metadata.name={account} -o name"), Lacking: some,
		Do: []string{kubectl("delete serviceaccount -n {namespace} {account}")},
	}, Step{
		// Of an account that was there before, the identity's id goes; it is another's if the identity was.
		Title:   p.command("annotations of ServiceAccount {namespace}/{account}", pairs...),
		Look:    kubectl(`get serviceaccount -n {namespace} {account} --ignore-not-found -o jsonpath={.metadata.annotations.azure\.workload\.identity/client-id}`),
		Lacking: `[ -n "$seen" ] && [ "$seen" = "` + of("$CLIENT_n", n) + `" ]` + madeHere(i),
		Do:      []string{kubectl("annotate serviceaccount -n {namespace} {account} " + provider.AnnotationClientID + "- " + provider.AnnotationTenantID + "-")},
	})
}

// madeHere is a test that fails for identities that were there before.
func madeHere(i *Identity) string {
	if i.Name == "" {
		return " && false"
	}
	return ""
}

// bindingTeardown removes an identity's binding.
func (p *Plan) bindingTeardown(n int, i *Identity) []Step {
	list := "az aks identity-binding list -g {group} --cluster-name {cluster} -o tsv --query [?name=='{binding}']"
	pairs := []string{"binding", bindingName(p, i)}
	var steps []Step
	if i.Name != "" && p.Identity == "" {
		// AKS leaves the federated credential of its own issuer when the last binding goes, and it keeps the identity in use. One that was made
		// for an account of this cluster is bound nowhere else. https://learn.microsoft.com/azure/aks/identity-bindings-concepts
		credentials := "az identity federated-credential list --identity-name $IDENTITY_n -g $GROUP_n -o tsv --query [?issuer=='$BOUND_n'].name"
		steps = append(steps, Step{
			Title: p.command("identity {identity} is bound to cluster {cluster}", "identity", i.Name),
			Sets:  []Variable{{variableOf("BOUND", n), p.command(list+".properties.oidcIssuer.oidcIssuerUrl", pairs...)}},
		}, Step{
			Title:   p.command("federated credential of AKS for the binding of {identity}", "identity", i.Name),
			Look:    `if [ -n "` + of("$IDENTITY_n", n) + `" ] && [ -n "` + of("$BOUND_n", n) + `" ]; then ` + p.command(of(credentials, n)) + "; fi",
			Lacking: some,
			Do:      []string{p.command(of("az identity federated-credential delete --identity-name $IDENTITY_n -g $GROUP_n -n", n)) + ` "$seen" --yes`},
		})
	}
	return append(steps, Step{
		Title: p.command("identity binding of cluster {cluster}"),
		Look:  p.command(list+".name", pairs...), Lacking: some,
		Do: []string{p.command("az aks identity-binding delete -g {group} --cluster-name {cluster} -n {binding} --yes -o none", pairs...)},
	})
}
