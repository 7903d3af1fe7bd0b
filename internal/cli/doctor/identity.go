package doctor

import (
	"context"
	"fmt"
	"strings"

	"akv-injector/inject"
	"akv-injector/internal/cli/signin"
	"akv-injector/internal/text"
	"akv-injector/keyvault"
)

var identityChecks = []Check{{
	ID: "AKVD050", Layer: LayerIdentity, Name: "sign-in",
	Looks:   "with `--as-workload`, whether the workload's ServiceAccount gets a token of its identity, and may read the metadata of its objects; from this machine",
	Matters: "The provider signs in the same way for each mount: pods wait in ContainerCreating, or keep old versions.",
	run:     checkSignIn,
}, {
	ID: "AKVD051", Layer: LayerIdentity, Name: "federated-credential",
	Looks:   "with `--with-az`, whether the identity has a federated credential for the cluster's issuer and the workload's ServiceAccount, to the letter, and which is the nearest that is wrong",
	Matters: "Entra ID exchanges the token of no other account, and compares with case.",
	run:     checkCredential,
}, {
	ID: "AKVD052", Layer: LayerIdentity, Name: "role",
	Looks:   "with `--with-az`, which role assignment lets the identity read each object, and which is the nearest that does not",
	Matters: "The vault refuses the identity: pods wait in ContainerCreating, or keep old versions.",
	run:     checkRole,
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
			if p.judge(r, text.Shorten(object), p.fixingOf(ctx, u), &outcome) {
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
func (p *Patient) judge(r *report, object string, fixing *fixing, o *signin.Outcome) (same bool) {
	const here = "from this machine: "
	switch {
	case o.Stage == signin.Through && o.Exists:
		r.of(object, OK, here+o.String(), "")
	case o.Stage == signin.Through:
		r.of(object, Problem, "the vault has no such object, or it was deleted",
			fixing.recovered())
	case o.Stage == signin.AtToken:
		r.of(object, NotChecked, unseen(o.Err, "create", "serviceaccounts/token", p.Namespace).Error(), "")
		return true
	case o.Stage == signin.AtExchange && o.Code != "":
		refused(r, o.Code, fixing)
		return true
	case o.Stage == signin.AtVault && o.Reason == keyvault.Forbidden && !o.Firewall:
		r.of(object, Problem, "the identity has no role for this object",
			fixing.command(roleFormat))
	case o.Stage == signin.AtVault && o.Firewall:
		r.of(object, NotChecked, here+"the vault's network rules do not let this machine in, which says nothing about the nodes", "")
	default:
		r.of(object, NotChecked, here+o.String()+", which says nothing about the nodes", "")
	}
	return false
}

// refused adds what a code of Entra ID means.
func refused(r *report, code string, f *fixing) {
	for _, w := range Decoder {
		if w.pattern.MatchString(code) {
			r.problem("Entra ID refuses the ServiceAccount's token ("+code+"): "+w.Means, w.fix(f))
			return
		}
	}
	r.problem("Entra ID refuses the ServiceAccount's token: "+code, "https://login.microsoftonline.com/error?code="+strings.TrimPrefix(code, "AADSTS"))
}
