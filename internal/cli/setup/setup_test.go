package setup

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"akv-injector/inject"
	"akv-injector/internal/cli/uses"
)

func row(namespace, account, client, kind, vault, objectType, object string) uses.Row {
	return uses.Row{
		Vault: vault, Type: objectType, Object: object, Namespace: namespace, Workload: "Deployment/web",
		Identity: inject.Identity{Account: account, ClientID: client, Kind: kind},
	}
}

const known = "11111111-1111-1111-1111-111111111111"

var options = Options{Group: "shop-rg", Cluster: "shop"}

func plan(t *testing.T, o Options, rows ...uses.Row) *Plan {
	t.Helper()
	p, err := Make(&uses.Report{Rows: rows}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlan(t *testing.T) {
	p := plan(t, options,
		row("shop", "web", "", inject.KindUnknown, "shop-kv", "secret", "DB-Password"),
		row("shop", "web", "", inject.KindUnknown, "shop-kv", "secret", "DB-Password"),
		row("shop", "web", "", inject.KindUnknown, "shop-kv", "cert", "tls"),
		row("shop", "api", known, inject.KindFederated, "shop-kv", "key", "signing"),
		row("pay", "api", known, inject.KindFederated, "shop-kv", "key", "signing"),
		row("shop", "old", "", "a service principal", "shop-kv", "secret", "x"),
	)
	if len(p.Identities) != 2 || p.Identities[0].ClientID != known || !strings.HasPrefix(p.Identities[1].Name, "akv-shop-shop-web-") {
		t.Fatalf("%+v", p.Identities)
	}
	if got := p.Identities[0]; len(got.Accounts) != 2 || len(got.Grants) != 1 || got.Grants[0].Role != "Key Vault Crypto User" {
		t.Errorf("%+v", got)
	}
	if got := p.Identities[1]; len(got.Grants) != 2 {
		t.Errorf("%+v", got)
	}
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "a service principal") {
		t.Errorf("%q", p.Notes)
	}
	whole := options
	whole.PerVault = true
	p = plan(t, whole, row("shop", "web", "", inject.KindUnknown, "shop-kv", "secret", "a"), row("shop", "web", "", inject.KindUnknown, "shop-kv", "secret", "b"))
	if i := &p.Identities[0]; len(i.Grants) != 1 || len(i.Reads) != 2 {
		t.Errorf("%+v", i)
	}
}

// What names another namespace, account or cluster has another name, even where the parts join to the same text.
func TestNames(t *testing.T) {
	var all []string
	for _, parts := range [][]string{
		{"akv", "a-b", "c", "d"}, {"akv", "a", "b-c", "d"}, {"akv", "a", "b", "c-d"}, {"akv", "a", "b", "c.d"}, {"akv", strings.Repeat("x", 200)}, {"akv", strings.Repeat("x", 201)},
	} {
		made := name(parts...)
		if slices.Contains(all, made) || !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{2,119}$`).MatchString(made) || made != name(parts...) {
			t.Errorf("%q of %q", made, parts)
		}
		all = append(all, made)
	}
}

// Each step of a script gives every variable before it is used, and a shell takes the script.
func TestScripts(t *testing.T) {
	for name, p := range map[string]*Plan{
		"federated": plan(t, options, row("shop", "web", "", inject.KindUnknown, "shop-kv", "secret", "DB-Password"), row("shop", "api", known, inject.KindFederated, "pay-kv", "cert", "tls")),
		"binding":   plan(t, Options{Group: "g", Cluster: "c", Context: "admin", Interval: "30s"}, row("shop", "web", "", inject.KindBinding, "shop-kv", "secret", "DB-Password")),
	} {
		for which, steps := range map[string][]Step{"setup": p.Steps(), "teardown": p.TeardownSteps()} {
			script := Script("What it does.", steps)
			if out, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v: %s", name, which, err, out)
			}
			if strings.Contains(script, "'<") || strings.Contains(script, "_n\"") {
				t.Errorf("%s, %s: something is not filled in:\n%s", name, which, script)
			}
			set := map[string]bool{"seen": true, "changed": true, "stale": true, "used": true}
			for line := range strings.Lines(script) {
				for _, m := range regexp.MustCompile(`\$([A-Za-z_0-9]+)`).FindAllStringSubmatch(line, -1) {
					if !set[m[1]] {
						t.Errorf("%s, %s: %s is not set:\n%s", name, which, m[1], line)
					}
				}
				if m := regexp.MustCompile(`^ *([A-Z_0-9]+)=`).FindStringSubmatch(line); m != nil {
					set[m[1]] = true
				}
			}
		}
	}
}

// A shell that reads a script of hostile names runs nothing of them: they are refused, all at once.
func TestHostileNames(t *testing.T) {
	hostile := []string{"$(id)", "`id`", "x; id", "-A", "a b", "x\nid", "'", "${VAULT}", "*/x'"}
	var rows []uses.Row
	for _, h := range hostile {
		rows = append(
			rows,
			row("shop", "web", "", inject.KindUnknown, h, "secret", "a"),
			row("shop", "web", "", inject.KindUnknown, "shop-kv", "secret", h),
			row("shop", h, "", inject.KindUnknown, "shop-kv", "secret", "a"),
			row("shop", "web", h, inject.KindFederated, "shop-kv", "secret", "a"),
		)
	}
	p, err := Make(&uses.Report{Rows: rows}, Options{Group: "$(id)", Cluster: "a b", Context: "x;id", Interval: "`id`", Identity: "'", IdentityGroup: "-x"})
	if err == nil {
		t.Fatal("taken")
	}
	for _, flag := range []string{"resource-group", "cluster-name", "context", "addon-poll-interval", "identity", "identity-resource-group"} {
		if !strings.Contains(err.Error(), "--"+flag) {
			t.Errorf("nothing is said of --%s: %v", flag, err)
		}
	}
	if len(p.Identities) != 0 {
		t.Errorf("%+v", p.Identities)
	}
}
