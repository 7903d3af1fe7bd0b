package doctor_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/faultlist"
	"akv-injector/internal/testing/await"
)

// commands of the plugin that ask the cluster, as docs/rights.md has them.
var commands = []string{
	"audit -A",
	"budget -A",
	"doctor",
	"doctor -n shop web",
	"doctor -n shop deploy/api",
	"preview --live -n shop -f pod.yaml",
	"refresh -n shop web",
	"status -n shop --no-vault",
	"uses -A",
	"version",
	"wait -n shop payments-kv/DB-Password --version c41f7e2a0b7d4f7c9a53d2b1f0e6a8c4 --timeout 1s",
}

// right is one that a command used.
type right struct{ verb, what string }

// TestRights: each command needs the rights that docs/rights.md says, and no other: with them alone it says what it says to an administrator, and it
// uses each of them.
func TestRights(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "audit.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := whole(t, "--audit-policy-file", policy)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pod.yaml"), []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: new, namespace: shop, annotations: {azure.keyvault.injector/objects: DB-Password}}\nspec: {containers: [{name: a, image: a}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	create(t, b, podIn("shop", "web", nil))
	create(t, b, workload("api", false))

	var doc strings.Builder
	doc.WriteString("| command | it needs |\n| --- | --- |\n")
	for _, command := range commands {
		t.Run(command, func(t *testing.T) {
			name := "administrator " + command
			admin := b.login(t, name, "system:masters")
			want := b.akv(t, admin, dir, command)
			used := b.used(t, name)
			if len(used) == 0 {
				t.Errorf("it asks for nothing: %s", want)
			}
			fmt.Fprintf(&doc, "| `%s` | %s |\n", withoutValues.ReplaceAllString(command, ""), written(used))

			name = "limited " + command
			limited := b.login(t, name)
			b.allow(t, name, used)
			if got := b.akv(t, limited, dir, command); got != want {
				t.Errorf("with these rights alone it says\n%s\nand to an administrator\n%s", got, want)
			}
			if again := b.used(t, name); !maps.Equal(again, used) {
				t.Errorf("with these rights alone it asks for %s, and as an administrator for %s", written(again), written(used))
			}
		})
	}
	if !t.Failed() {
		faultlist.Hold(t, "rights.md", "rights", doc.String(), "AKV_WRITE_RIGHTS")
	}
}

func (b *bench) login(t *testing.T, name string, groups ...string) *controlplane.User {
	t.Helper()
	user, err := b.User(name, groups...)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// akv is what a command prints, and its exit code.
func (b *bench) akv(t *testing.T, user *controlplane.User, dir, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.program, strings.Fields(command)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "KUBECONFIG="+user.Kubeconfig)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return fmt.Sprintf("%sexit code %d", took.ReplaceAllString(string(out), "after a while"), cmd.ProcessState.ExitCode())
}

// withoutValues leaves out of a command what changes nothing here.
var withoutValues = regexp.MustCompile(` -f pod.yaml| --(?:version|timeout) \S+`)

// took is what no two runs have the same.
var took = regexp.MustCompile(`after [0-9.]+m?s`)

// used are the rights that a user's requests needed, from the API server's audit log. What every user may is left out.
func (b *bench) used(t *testing.T, user string) map[right]bool {
	t.Helper()
	// The log is written behind the answers: a request of ours comes after the user's.
	mark := fmt.Sprintf("mark-%d", time.Now().UnixNano())
	_, _ = b.Client.CoreV1().ConfigMaps("default").Get(t.Context(), mark, metav1.GetOptions{})
	found := map[right]bool{}
	err := await.Poll{Limit: 30 * time.Second}.Until(t.Context(), "the audit log", func(context.Context) (bool, string) {
		clear(found)
		text, err := os.ReadFile(b.AuditLog)
		if err != nil || !bytes.Contains(text, []byte(mark)) {
			return false, fmt.Sprint("not there yet: ", err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e struct {
				Verb, RequestURI string
				User             struct{ Username string }
				ObjectRef        *struct{ Resource, Subresource, APIGroup string }
			}
			if json.Unmarshal(lines.Bytes(), &e) != nil || e.User.Username != user {
				continue
			}
			path, _, _ := strings.Cut(e.RequestURI, "?")
			switch {
			case e.ObjectRef != nil:
				what := e.ObjectRef.Resource
				if e.ObjectRef.APIGroup != "" {
					what += "." + e.ObjectRef.APIGroup
				}
				if e.ObjectRef.Subresource != "" {
					what += "/" + e.ObjectRef.Subresource
				}
				found[right{e.Verb, what}] = true
			case strings.HasPrefix(path, "/api"), path == "/version": // system:discovery
			default:
				found[right{e.Verb, path}] = true
			}
		}
		return true, ""
	})
	if err != nil {
		t.Fatal(err)
	}
	return maps.Clone(found)
}

// allow gives a user rights.
func (b *bench) allow(t *testing.T, user string, rights map[right]bool) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "rights-" + strings.ReplaceAll(strings.ReplaceAll(user, " ", "-"), "/", "-")}}
	for r := range rights {
		rule := rbacv1.PolicyRule{Verbs: []string{r.verb}}
		if strings.HasPrefix(r.what, "/") {
			rule.NonResourceURLs = []string{r.what}
		} else {
			resource, subresource, _ := strings.Cut(r.what, "/")
			resource, group, _ := strings.Cut(resource, ".")
			if subresource != "" {
				resource += "/" + subresource
			}
			rule.APIGroups, rule.Resources = []string{group}, []string{resource}
		}
		role.Rules = append(role.Rules, rule)
	}
	create(t, b, role)
	create(t, b, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
}

// written are rights in words, by verb.
func written(rights map[right]bool) string {
	byVerb := map[string][]string{}
	for r := range rights {
		byVerb[r.verb] = append(byVerb[r.verb], r.what)
	}
	var all []string
	for _, verb := range slices.Sorted(maps.Keys(byVerb)) {
		slices.Sort(byVerb[verb])
		all = append(all, "`"+verb+"` "+strings.Join(byVerb[verb], ", "))
	}
	if len(all) == 0 {
		return "nothing that not every user may"
	}
	return strings.Join(all, "; ")
}
