package setup

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"akv-injector/inject/provider"
)

// ServiceOperator writes objects of Azure Service Operator, for GitOps.
// https://azure.github.io/azure-service-operator/reference/
func ServiceOperator(p *Plan, version string) (string, []error) {
	errs := p.placeErrors()
	missing := func(flag, value, command string) {
		if value == "" {
			errs = append(errs, fmt.Errorf("--%s: Azure Service Operator must be told; this prints it: %s", flag, p.command(command)))
		}
	}
	missing("subscription", p.Place.Subscription, "az account show --query id -o tsv")
	missing("location", p.Place.Location, "az aks show -g {group} -n {cluster} --query location -o tsv")
	missing("issuer", p.Place.Issuer, "az aks show -g {group} -n {cluster} --query oidcIssuerProfile.issuerUrl -o tsv")
	if len(errs) > 0 {
		return "", errs
	}
	l := &lines{comment: "#"}
	p.head(l, version, "It is for a cluster with Azure Service Operator 2, which may assign roles.")
	for n := range p.Identities {
		i := &p.Identities[n]
		for _, object := range p.operatorObjects(i) {
			out, err := yaml.Marshal(object)
			if err != nil {
				return "", []error{err}
			}
			l.add("---\n%s", out[:len(out)-1])
		}
	}
	p.rest(l, func(n int, output string) string {
		i := &p.Identities[n]
		return p.command("kubectl (--context {context}) get configmap -n {namespace} {name} -o jsonpath={.data."+output+"Id}", "namespace", i.home(), "name", p.operatorName(i))
	})
	for n := range p.Identities {
		// It has no resource for them.
		if i := &p.Identities[n]; i.bound() {
			l.say("%s", strings.Join(p.bindingSteps(n, i, i.Accounts[0])[0].Do, "\n"))
		}
	}
	return l.String(), nil
}

// home is the namespace of an identity's objects.
func (i *Identity) home() string { return i.Accounts[0].Namespace }

// operatorName is the name of an identity's objects.
func (p *Plan) operatorName(i *Identity) string {
	if i.Name != "" {
		return name(i.Name)
	}
	return name("akv", i.ClientID)
}

func (p *Plan) groupID(group string) string {
	return "/subscriptions/" + p.Place.Subscription + "/resourceGroups/" + group
}

type object = map[string]any

func (p *Plan) operatorObjects(i *Identity) []object {
	settings := p.operatorName(i)
	from := func(key string) object { return object{"name": settings, "key": key} }
	meta := func(name string, annotations object) object {
		m := object{"name": name, "namespace": i.home()}
		if annotations != nil {
			m["annotations"] = annotations
		}
		return m
	}
	spec := object{
		"azureName": i.Name, "location": p.Place.Location, "owner": object{"armId": p.groupID(p.IdentityGroup)}, "tags": object{"managedBy": made},
		"operatorSpec": object{"configMaps": object{"clientId": from("clientId"), "principalId": from("principalId"), "tenantId": from("tenantId")}},
	}
	var adopted object
	if known := p.Place.Known[i.ClientID]; i.Name == "" {
		// One that is there is read, and not changed or deleted.
		adopted = object{"serviceoperator.azure.com/reconcile-policy": "skip"}
		spec["azureName"], spec["owner"] = known.Name, object{"armId": p.groupID(known.Group)}
		delete(spec, "tags")
	}
	objects := []object{{
		"apiVersion": "managedidentity.azure.com/v1api20230131", "kind": "UserAssignedIdentity", "metadata": meta(settings, adopted), "spec": spec,
	}}
	for _, a := range i.Accounts {
		if a.Binding {
			continue
		}
		objects = append(objects, object{
			"apiVersion": "managedidentity.azure.com/v1api20230131", "kind": "FederatedIdentityCredential", "metadata": meta(p.credentialName(a), nil),
			"spec": object{
				"azureName": p.credentialName(a), "owner": object{"name": settings}, "issuer": p.Place.Issuer, "subject": subject(a), "audiences": []string{provider.TokenAudience},
			},
		})
	}
	for _, g := range i.Grants {
		id := assignmentID(p.IdentityGroup, i, g)
		objects = append(objects, object{
			"apiVersion": "authorization.azure.com/v1api20220401", "kind": "RoleAssignment", "metadata": meta("akv-"+id, nil),
			"spec": object{
				"azureName": id, "owner": object{"armId": p.groupID(p.vaultGroup(g.Vault)) + "/providers/Microsoft.KeyVault/vaults/" + g.Vault + g.below()},
				"principalIdFromConfig": from("principalId"), "principalType": "ServicePrincipal",
				"roleDefinitionReference": object{"armId": "/subscriptions/" + p.Place.Subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + g.RoleID},
			},
		})
	}
	return objects
}
