package setup

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"akv-injector/inject"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/uses"
	"akv-injector/internal/text"
	"akv-injector/keyvault"
)

// Options say where it is made, and how.
type Options struct {
	// Group and Cluster name the AKS cluster.
	Group, Cluster string
	// IdentityGroup is the resource group of the identities that are made; empty is Group.
	IdentityGroup string
	// Identity is one for all accounts; empty means one for each.
	Identity string
	// PerVault gives roles for whole vaults, and not for the objects in use.
	PerVault bool
	// Interval is the add-on's; empty leaves it as it is.
	Interval string
	// Context of kubectl; empty is the current one.
	Context string
	// Place is for templates.
	Place Place
}

// Plan is what is needed.
type Plan struct {
	Options
	// Vaults, and namespaces of the workloads, sorted.
	Vaults, Namespaces []string
	Identities         []Identity
	// Notes say what is left out, and why.
	Notes []string
}

// Identity is a managed identity, and who may be it.
type Identity struct {
	// Name of one that is made, or ClientID of one that is there.
	Name, ClientID string
	Accounts       []Account
	Grants         []Grant
	// Reads are the objects, whatever the roles are for.
	Reads []keyvault.Ref
}

// Account is a ServiceAccount.
type Account struct {
	Namespace, Name string
	// Binding says that it reaches the identity by an identity binding, and not by a federated credential.
	Binding bool
}

// Grant is a role for an object, or, without one, for a vault.
type Grant struct {
	Role, RoleID string
	Vault        string
	Type, Object string
}

// Make makes the plan for the uses. The error says of all values what is wrong with them.
func Make(report *uses.Report, o Options) (*Plan, error) {
	p := &Plan{Options: o}
	p.IdentityGroup = cmp.Or(o.IdentityGroup, o.Group)
	rows, errs := p.usable(report.Rows)
	p.Vaults, p.Namespaces = values(rows, func(r *uses.Row) string { return r.Vault }), values(rows, func(r *uses.Row) string { return r.Namespace })
	for _, flag := range []struct{ name, value string }{
		{"resource-group", o.Group},
		{"cluster-name", o.Cluster},
		{"identity-resource-group", o.IdentityGroup},
		{"identity", o.Identity},
		{"addon-poll-interval", o.Interval},
		{"context", o.Context},
	} {
		if flag.value != "" && !text.Plain(flag.value) {
			errs = append(errs, fmt.Errorf("--%s=%q: it cannot stand in a command", flag.name, text.Shorten(flag.value)))
		}
	}
	for _, row := range rows {
		i := p.identityOf(&row)
		account := Account{Namespace: row.Namespace, Name: row.Identity.Account, Binding: row.Identity.Kind == inject.KindBinding}
		if !slices.ContainsFunc(i.Accounts, func(a Account) bool {
			return a.Namespace == account.Namespace && a.Name == account.Name && a.Binding == account.Binding
		}) {
			i.Accounts = append(i.Accounts, account)
		}
		access := provider.AccessTo(row.Type)
		grant := Grant{Role: access.Role, RoleID: access.RoleID, Vault: row.Vault, Type: row.Type, Object: row.Object}
		if ref := (keyvault.Ref{Cloud: row.Cloud, Vault: row.Vault, Type: keyvault.Type(row.Type), Name: row.Object}); !slices.Contains(i.Reads, ref) {
			i.Reads = append(i.Reads, ref)
		}
		if o.PerVault {
			grant.Type, grant.Object = "", ""
		}
		if !slices.Contains(i.Grants, grant) {
			i.Grants = append(i.Grants, grant)
		}
	}
	for i := range p.Identities {
		p.sort(&p.Identities[i])
	}
	slices.SortFunc(p.Identities, func(a, b Identity) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ClientID, b.ClientID))
	})
	return p, errors.Join(errs...)
}

func (p *Plan) sort(i *Identity) {
	slices.SortFunc(i.Accounts, func(a, b Account) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(i.Grants, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(a.Vault, b.Vault), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Object, b.Object))
	})
	for _, a := range i.Accounts {
		if a.Name == "default" {
			p.note("In namespace %s the ServiceAccount default gets the identity, and with it each pod that names no account: name one of its own (azure.keyvault.injector/service-account).", a.Namespace)
		}
	}
}

// usable are the rows for which something can be made. The others are noted once, or are errors.
func (p *Plan) usable(rows []uses.Row) (kept []uses.Row, errs []error) {
	for _, row := range rows {
		at := row.Namespace + "/" + row.Workload
		switch row.Identity.Kind {
		case inject.KindFederated, inject.KindBinding, inject.KindUnknown:
		default:
			p.note("%s reads %s with %s, for which nothing is set up here.", at, row.Vault, row.Identity.Kind)
			continue
		}
		if provider.AccessTo(row.Type).Role == "" {
			p.note("%s asks for %s of type %q, for which there is no role.", at, text.Shorten(row.Object), text.Shorten(row.Type))
			continue
		}
		if problem := wrong(&row); problem != nil {
			if !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == at+": "+problem.Error() }) {
				errs = append(errs, fmt.Errorf("%s: %w", at, problem))
			}
			continue
		}
		kept = append(kept, row)
	}
	return kept, errs
}

// wrong says what cannot stand in a command, or be the name of anything.
func wrong(row *uses.Row) error {
	if problem := provider.VaultProblem(row.Vault); problem.Found() {
		return fmt.Errorf("vault %q: %s", text.Shorten(row.Vault), problem)
	}
	for _, v := range []struct{ what, value string }{
		{"namespace", row.Namespace}, {"ServiceAccount", row.Identity.Account}, {"object", row.Object}, {"client id", row.Identity.ClientID},
	} {
		if v.value != "" && !text.Plain(v.value) {
			return fmt.Errorf("%s %q: it cannot stand in a command", v.what, text.Shorten(v.value))
		}
	}
	if id := row.Identity.ClientID; id != "" {
		if problem := provider.ClientIDProblem(id); problem.Found() {
			return fmt.Errorf("client id %q: %s", text.Shorten(id), problem)
		}
	}
	return nil
}

// identityOf finds or adds the identity of a row.
func (p *Plan) identityOf(row *uses.Row) *Identity {
	wanted := Identity{ClientID: row.Identity.ClientID}
	if wanted.ClientID == "" {
		wanted.Name = cmp.Or(p.Identity, name("akv", p.Cluster, row.Namespace, row.Identity.Account))
	}
	i := slices.IndexFunc(p.Identities, func(i Identity) bool { return i.Name == wanted.Name && i.ClientID == wanted.ClientID })
	if i < 0 {
		i = len(p.Identities)
		p.Identities = append(p.Identities, wanted)
	}
	return &p.Identities[i]
}

// note adds a note once.
func (p *Plan) note(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(p.Notes, note) {
		p.Notes = append(p.Notes, note)
	}
}

func values(rows []uses.Row, of func(*uses.Row) string) []string {
	set := map[string]bool{}
	for i := range rows {
		set[of(&rows[i])] = true
	}
	return slices.Sorted(maps.Keys(set))
}
