package rotation_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cli"
	"akv-injector/e2e/build"
	"akv-injector/e2e/examples"
	"akv-injector/e2e/system"
)

// aksImage is that of the manifests in examples/aks.
const aksImage = "registry.k8s.io/e2e-test-images/busybox:1.29-4"

// aksNamespaces are those of the manifests.
var aksNamespaces = []string{"by-hand", "injected"}

// aksExample: the commands of examples/aks, as they are written. What is written by hand
// and what is injected give containers the same files, and rotate alike.
func aksExample(t *testing.T, s *system.System) {
	dir, err := examples.Dir("aks")
	check(t, err)
	sections, err := examples.Sections(dir)
	check(t, err)
	// Nothing can be pulled here.
	check(t, s.Node.TagShell(t.Context(), aksImage))
	user := newAKSUser(t, s, dir)

	// Of the last section, the last commands look at what has come: that is awaited here.
	last := sections[len(sections)-1]
	rotate, look, found := strings.Cut(last.Script, "\nfor ")
	if last.Heading != "Rotate" || !found || !strings.Contains(look, "kubectl exec") {
		t.Fatalf("the last section is %q, with the commands %q", last.Heading, last.Script)
	}
	before := ""
	for _, section := range sections[:len(sections)-1] {
		before += section.Script
	}
	for _, namespace := range aksNamespaces {
		clearAfter(t, s, namespace)
	}
	user.run(t, before)
	user.awaitFiles(t, "DB-Password: first password\napi-key: first key\n")
	pods := user.pods(t)

	rotated := time.Now()
	user.run(t, sections[0].Script+rotate)
	user.awaitFiles(t, "DB-Password: second password\napi-key: second key\n")
	t.Logf("both secrets visible in all four containers %.1f s after the rotation", time.Since(rotated).Seconds())
	for i, pod := range user.pods(t) {
		if !sameContainer(&pods[i], &pod) {
			t.Errorf("%s/%s has another container than before", pod.Namespace, pod.Name)
		}
	}
	out := user.run(t, "for "+look)
	if want := "second password" + "second password"; out != want {
		t.Errorf("the last commands print %q, want %q", out, want)
	}
}

// aksUser runs commands where az and kubectl are there.
type aksUser struct {
	*system.System
	*terminal
}

func newAKSUser(t *testing.T, s *system.System, dir string) *aksUser {
	t.Helper()
	az, err := build.Own(t.Context(), s.Options.Log, "./cmd/az")
	check(t, err)
	signedIn, err := s.Azure.CreateIdentity(arm.Identity{Name: "signed-in-user"})
	check(t, err)
	user := &aksUser{s, newTerminal(t, s, dir)}
	// The stand-in has neither clusters nor people.
	user.program(t, "az", fmt.Sprintf(`case "$*" in
"aks show "*" --query oidcIssuerProfile.issuerUrl -o tsv") echo '%s' ;;
"aks update "* | "aks enable-addons "* | "aks get-credentials "*) ;;
"ad signed-in-user show --query id -o tsv") echo '%s' ;;
*) exec '%s' "$@" ;;
esac
`, s.Issuer, signedIn.PrincipalID, az))
	if _, err := exec.LookPath("envsubst"); err != nil {
		// It is not on every machine, and this is all that is asked of it.
		user.program(t, "envsubst", `exec awk '{
  while (match($0, /\$\{[A-Z_]+\}/))
    $0 = substr($0, 1, RSTART-1) ENVIRON[substr($0, RSTART+2, RLENGTH-3)] substr($0, RSTART+RLENGTH)
  print
}'
`)
	}
	user.env = append(user.env, cli.SocketVariable+"="+s.Azure.AdminSocket())
	return user
}

// run runs commands, of which each has to work, and gives what they print.
func (u *aksUser) run(t *testing.T, script string) string {
	t.Helper()
	out, err := u.terminal.run(t.Context(), script)
	if err != nil {
		t.Fatal(u.Explain("by-hand", u.Explain("injected", err)))
	}
	return out
}

// pods are those of both, in the same order every time.
func (u *aksUser) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	var all []corev1.Pod
	for _, namespace := range aksNamespaces {
		var list corev1.PodList
		// The API server lists by name.
		check(t, u.API.List(t.Context(), &list, client.InNamespace(namespace)))
		if len(list.Items) != 2 {
			t.Fatalf("%s has %d pods, want 2", namespace, len(list.Items))
		}
		all = append(all, list.Items...)
	}
	return all
}

// awaitFiles waits until the containers of all pods have the files given, and no others:
// a line for each, with its name and content.
func (u *aksUser) awaitFiles(t *testing.T, want string) {
	t.Helper()
	const script = `cd ` + system.Mounted + ` && for file in *; do echo "$file: $(cat "$file")"; done`
	for _, pod := range u.pods(t) {
		check(t, u.Await(t.Context(), pod.Namespace, "the files of "+pod.Name, func(ctx context.Context) (bool, string) {
			got, err := u.Exec(ctx, pod.Namespace, pod.Name, "shop", "sh", "-c", script)
			if err != nil {
				return false, err.Error()
			}
			return got == want, got
		}))
	}
}
