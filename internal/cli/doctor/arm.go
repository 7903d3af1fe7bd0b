package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"akv-injector/inject"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/az"
	"akv-injector/internal/text"
)

// identityUses are the objects that the target reads with an identity that a role or a credential can be missing for.
func (p *Patient) identityUses(ctx context.Context, r *report) []inject.Use {
	if !p.WithAz {
		return nil
	}
	uses, err := p.uses(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return nil
	}
	return slices.DeleteFunc(uses, func(u inject.Use) bool {
		known := !provider.ClientIDProblem(u.Identity.ClientID).Found() && (u.Identity.Kind == inject.KindFederated || u.Identity.Kind == inject.KindBinding)
		if !known {
			r.of(text.Shorten(u.Vault), NotChecked, "the client id of what reads it is not known, or is no managed identity's", "")
		}
		return !known
	})
}

// identity is the managed identity of a client id. It is not set, with a reason in the report, if there is none to see.
func (p *Patient) identity(ctx context.Context, r *report, clientID string) *az.Identity {
	found, err := p.az.IdentitiesOf(ctx, clientID)
	switch {
	case err != nil:
		r.notChecked(err.Error())
	case len(found) == 0:
		r.of(clientID, NotChecked, "no managed identity of az's subscription has this client id (az account set --subscription NAME)", "")
	case !text.Plain(found[0].Name) || !text.Plain(found[0].Group) || !text.Plain(found[0].PrincipalID):
		r.of(clientID, NotChecked, "the identity has a name that cannot stand in a command", "")
	default:
		return &found[0]
	}
	return nil
}

func checkCredential(ctx context.Context, p *Patient, r *report) {
	looked := map[string]bool{}
	for _, u := range p.identityUses(ctx, r) {
		if looked[u.Identity.ClientID] || u.Identity.Kind == inject.KindBinding { // the binding's is AKS's own
			continue
		}
		looked[u.Identity.ClientID] = true
		issuer, err := p.Issuer(ctx)
		if err != nil {
			r.notChecked(err.Error())
			return
		}
		i := p.identity(ctx, r, u.Identity.ClientID)
		if i == nil {
			continue
		}
		credentials, err := p.az.Credentials(ctx, i)
		if err != nil {
			r.notChecked(err.Error())
			continue
		}
		p.judgeCredentials(ctx, r, &u, issuer, "identity "+i.Name, credentials)
	}
}

func (p *Patient) judgeCredentials(ctx context.Context, r *report, u *inject.Use, issuer, object string, credentials []az.Credential) {
	f := p.fixingOf(ctx, u)
	var nearest *az.Credential
	var differences []string
	for i := range credentials {
		c := &credentials[i]
		wrong := differ(c, issuer, f.subject())
		if len(wrong) == 0 {
			r.of(object, OK, "its federated credential "+text.Shorten(c.Name)+" is for this account", "")
			return
		}
		if nearest == nil || len(wrong) < len(differences) || len(wrong) == len(differences) && near(c, issuer, f.subject()) {
			nearest, differences = c, wrong
		}
	}
	switch {
	case nearest == nil:
		r.of(object, Problem, "it has no federated credential", f.command(federateFormat))
	case len(differences) == 1 && !slices.Contains(nearest.Audiences, provider.TokenAudience):
		r.of(object, Problem, said(nearest, differences), f.command(audienceFormat))
	default:
		r.of(object, Problem, said(nearest, differences), f.command(federateFormat))
	}
}

func said(c *az.Credential, differences []string) string {
	return "none of its federated credentials is for this account; the nearest, " + text.Shorten(c.Name) + ", has another " + strings.Join(differences, ", and another ")
}

// differ says in what a federated credential differs from what a token has.
func differ(c *az.Credential, issuer, subject string) (wrong []string) {
	add := func(what, has, wants string) {
		if has != wants {
			wrong = append(wrong, fmt.Sprintf("%s: %s, and not %s", what, text.Line(has, 200), text.Line(wants, 200)))
		}
	}
	add("subject", c.Subject, subject)
	add("issuer", c.Issuer, issuer)
	if !slices.Contains(c.Audiences, provider.TokenAudience) {
		add("audience", strings.Join(c.Audiences, " "), provider.TokenAudience)
	}
	return wrong
}

// near reports whether a credential differs in case or in a slash alone.
func near(c *az.Credential, issuer, subject string) bool {
	same := func(a, b string) bool {
		return strings.EqualFold(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/"))
	}
	return same(c.Issuer, issuer) && same(c.Subject, subject)
}

func checkRole(ctx context.Context, p *Patient, r *report) {
	looked := map[string]bool{}
	for _, u := range p.identityUses(ctx, r) {
		object := u.Vault + "/" + u.Object.Type + "/" + u.Object.Name
		access := provider.AccessTo(u.Object.Type)
		if looked[object] || access.Action == "" {
			continue
		}
		looked[object] = true
		if len(looked) > mostTries {
			r.notChecked(fmt.Sprintf("further objects: the first %d have been looked at", mostTries))
			return
		}
		i := p.identity(ctx, r, u.Identity.ClientID)
		if i == nil {
			continue
		}
		if err := p.judgeRoles(ctx, r, &u, i, object); err != nil {
			r.of(text.Shorten(object), NotChecked, err.Error(), "")
		}
	}
}

func (p *Patient) judgeRoles(ctx context.Context, r *report, u *inject.Use, i *az.Identity, object string) error {
	if !text.Plain(u.Vault) {
		return fmt.Errorf("%q is no name of a vault", text.Shorten(u.Vault))
	}
	vault, err := p.az.VaultOf(ctx, u.Vault)
	if err != nil {
		return err
	}
	if vault.Properties.RBAC == nil || !*vault.Properties.RBAC {
		r.of(text.Shorten(object), Warning, "the vault takes access policies, for which role assignments count nothing",
			text.Command("az keyvault update -n {vault} --enable-rbac-authorization true", text.Values{"vault": u.Vault}))
		return nil
	}
	access := provider.AccessTo(u.Object.Type)
	resource := vault.ID + "/" + access.Collection + "/" + u.Object.Name
	assignments, err := p.az.Assignments(ctx, i.PrincipalID)
	if err != nil {
		return err
	}
	nearest := ""
	for n := range assignments {
		a := &assignments[n]
		covers := az.Covers(a.Scope, resource)
		role, err := p.az.RoleOf(ctx, a)
		if err != nil {
			return err
		}
		switch allows := role.Allows(access.Action); {
		case covers && allows && a.Condition != "":
			return fmt.Errorf("%s on %s has a condition, which is not read", text.Shorten(a.Role), text.Line(a.Scope, 300))
		case covers && allows:
			r.of(text.Shorten(object), OK, text.Shorten(a.Role)+" on "+text.Line(a.Scope, 300), "")
			return nil
		case allows:
			nearest = fmt.Sprintf("; the nearest, %s, is for another scope: %s", text.Shorten(a.Role), text.Line(a.Scope, 300))
		case covers && nearest == "":
			nearest = fmt.Sprintf("; the nearest, %s, does not allow %s", text.Shorten(a.Role), access.Action)
		}
	}
	// One of a management group is not listed: that the vault refuses it is for AKVD050 to say.
	r.of(text.Shorten(object), Warning, "no role assignment of az's subscription lets the identity "+i.Name+" read it"+nearest, p.fixingOf(ctx, u).command(roleFormat))
	return nil
}
