package doctor

import (
	"context"
	"fmt"
	"strings"

	"akv-injector/inject"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/signin"
	"akv-injector/internal/text"
	"akv-injector/keyvault"
)

var identityChecks = []Check{{
	ID: "AKVD050", Layer: LayerIdentity, Name: "sign-in",
	Looks:   "with `--as-workload`, whether the workload's ServiceAccount gets a token of its identity, and may read the metadata of its objects; from this machine",
	Matters: "The provider signs in the same way for each mount: pods wait in ContainerCreating, or keep old versions.",
	run:     checkSignIn,
}}

// mostTries bounds the objects that are asked about.
const mostTries = 20

func checkSignIn(ctx context.Context, p *Patient, r *report) {
	if !p.AsWorkload {
		return
	}
	uses, err := p.uses(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	tried := map[string]bool{}
	for i := range uses {
		u := &uses[i]
		object := u.Vault + "/" + u.Object.Type + "/" + u.Object.Name
		switch {
		case tried[object]:
			continue
		case len(tried) == mostTries:
			r.notChecked(fmt.Sprintf("further objects: the first %d have been tried", mostTries))
			return
		case u.Identity.Kind != inject.KindFederated:
			r.of(text.Shorten(object), NotChecked, "it is read by "+u.Identity.Kind+", which cannot be tried from here", "")
		case u.Identity.ClientID == "" || u.Identity.TenantID == "":
			r.of(text.Shorten(object), NotChecked, "the client id or the tenant id is not known", "")
		default:
			account := &signin.Account{Client: p.Client, Namespace: p.Namespace, Name: u.Identity.Account, ClientID: u.Identity.ClientID, TenantID: u.Identity.TenantID}
			outcome := account.Try(ctx, keyvault.Ref{Cloud: u.Cloud, Vault: u.Vault, Type: keyvault.Type(u.Object.Type), Name: u.Object.Name})
			if p.judge(r, text.Shorten(object), u, &outcome) {
				return
			}
		}
		tried[object] = true
	}
	if len(uses) == 0 {
		r.ok("it reads no object")
	}
}

// uses are the objects that the workload reads.
func (p *Patient) uses(ctx context.Context) ([]inject.Use, error) {
	ns, err := p.NamespaceObject(ctx)
	if err != nil {
		return nil, err
	}
	request := inject.Parse(p.Target, ns, inject.Settings{})
	known, err := p.facts(ctx, request.Needs())
	if err != nil {
		return nil, unseen(err, "get", "secretproviderclasses.secrets-store.csi.x-k8s.io", p.Namespace)
	}
	decision := inject.Decide(request, known)
	return decision.Uses(), nil
}

// judge adds what an attempt says, and reports whether the others would say the same. What depends on the network of this machine is
// no verdict on the node's.
func (p *Patient) judge(r *report, object string, u *inject.Use, o *signin.Outcome) (same bool) {
	const here = "from this machine: "
	access := provider.AccessTo(u.Object.Type)
	switch {
	case o.Stage == signin.Through && o.Exists:
		r.of(object, OK, here+o.String(), "")
	case o.Stage == signin.Through:
		r.of(object, Problem, "the vault has no such object, or it was deleted",
			text.Command("az keyvault {kind} list --vault-name {vault} --query [].name -o tsv", text.Values{"vault": u.Vault, "kind": strings.TrimSuffix(access.Collection, "s")}))
	case o.Stage == signin.AtToken:
		r.of(object, NotChecked, unseen(o.Err, "create", "serviceaccounts/token", p.Namespace).Error(), "")
		return true
	case o.Stage == signin.AtExchange && o.Code != "":
		p.refused(r, o.Code)
		return true
	case o.Stage == signin.AtVault && o.Reason == keyvault.Forbidden && !o.Firewall:
		r.of(object, Problem, "the identity has no role for this object",
			text.Command("az role assignment create --role {role} --assignee {client} --scope <vault-id>/{collection}/{name}", text.Values{
				"role": access.RoleID, "client": u.Identity.ClientID, "collection": access.Collection, "name": u.Object.Name,
			}))
	case o.Stage == signin.AtVault && o.Firewall:
		r.of(object, NotChecked, here+"the vault's network rules do not let this machine in, which says nothing about the nodes", "")
	default:
		r.of(object, NotChecked, here+o.String()+", which says nothing about the nodes", "")
	}
	return false
}

// refused adds what a code of Entra ID means.
func (p *Patient) refused(r *report, code string) {
	for _, w := range Decoder {
		if w.pattern.MatchString(code) {
			r.problem("Entra ID refuses the ServiceAccount's token ("+code+"): "+w.Means, w.Fix)
			return
		}
	}
	r.problem("Entra ID refuses the ServiceAccount's token: "+code, "https://login.microsoftonline.com/error?code="+strings.TrimPrefix(code, "AADSTS"))
}
