package rotation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/build"
	"akv-injector/e2e/system"
)

// statusCommand: kubectl akv status says stale right after a rotation, and why, and current
// when the new version has arrived. Who has no right to the vault sees what is mounted.
func statusCommand(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "status")
	first := setSecret(t, tenant, "DB-Password", "first")
	pod := tenant.Pod("reader", "DB-Password")
	runPod(t, tenant, pod)
	check(t, tenant.API.Create(t.Context(), tenant.Driver.DaemonSet(tenant.Namespace)))
	reader := newOnlooker(t, tenant, "status-reader", "Key Vault Reader")

	item := reader.await(t, "current", "", 0)
	if item.Mounted.Version != first || item.Newest.Version != first || item.Mounted.Created == nil {
		t.Errorf("%+v", item)
	}
	stranger := newOnlooker(t, tenant, "status-stranger")
	item, told := stranger.look(t, 0)
	if item.Status != "unknown" || item.Mounted.Version != first || item.Newest != nil || strings.Count(told, tenant.Vault) != 1 {
		t.Errorf("without a role: %+v\n%s", item, told)
	}

	var second string
	if s.Options.Legacy {
		second = rotateForbidden(t, tenant, reader, first)
	} else {
		second = rotateTooSoon(t, tenant, reader, pod, first)
	}
	item = reader.await(t, "current", "", 0, "--fail-on-stale")
	if item.Mounted.Version != second || item.Newest.Version != second {
		t.Errorf("%+v", item)
	}
	check(t, tenant.AwaitContent(t.Context(), "reader", system.Mounted+"/DB-Password", "second"))
	waited := reader.command(t, 0, "wait", tenant.Vault+"/DB-Password", "--version", second)
	if !strings.Contains(waited.stdout, "No mounted file and no container in namespace "+tenant.Namespace+" has an older version") {
		t.Errorf("kubectl akv wait prints %q", waited.stdout)
	}
	reader.command(t, 1, "wait", tenant.Vault+"/DB-Password", "--version", strings.Repeat("0", 32), "--no-vault", "--timeout=1s")
	t.Logf("as a table:\n%s", reader.run(t, 0, "-o", "wide").stdout)
}

// rotateTooSoon rotates while the driver takes the volume for one that it has just written,
// and goes on when that has been seen.
func rotateTooSoon(t *testing.T, tenant *system.Tenant, reader *onlooker, pod *corev1.Pod, first string) (second string) {
	t.Helper()
	target := filepath.Join(tenant.Node.KubeletRoot, "pods", string(pod.UID), "volumes", "kubernetes.io~csi", "akv-"+tenant.Vault, "mount")
	later := time.Now().Add(time.Hour)
	check(t, os.Chtimes(target, later, later))
	second = setSecret(t, tenant, "DB-Password", "second")
	item := reader.await(t, "stale", "Due", 1, "--fail-on-stale")
	if item.Mounted.Version != first || item.Newest.Version != second || item.StaleSince == nil {
		t.Errorf("%+v", item)
	}
	check(t, os.Chtimes(target, time.Now(), time.Now()))
	return second
}

// rotateForbidden rotates while the pod's identity may not read the secret, and goes on
// when that has been seen.
func rotateForbidden(t *testing.T, tenant *system.Tenant, reader *onlooker, first string) (second string) {
	t.Helper()
	check(t, tenant.Revoke(tenant.Vault, system.RoleSecretsUser))
	second = setSecret(t, tenant, "DB-Password", "second")
	item := reader.await(t, "stale", "MountError", 1, "--fail-on-stale")
	if item.Mounted.Version != first || item.Newest.Version != second || !strings.Contains(item.reason("MountError"), "ForbiddenByRbac") {
		t.Errorf("%+v", item)
	}
	check(t, tenant.Grant(tenant.Vault, system.RoleSecretsUser))
	return second
}

// onlooker is somebody with an identity of their own who runs kubectl akv status.
type onlooker struct {
	*system.Tenant
	program string
	env     []string
}

// newOnlooker makes one with roles in the tenant's vault. They log in to Azure with the
// token of a service account, as a pipeline does.
func newOnlooker(t *testing.T, tenant *system.Tenant, name string, roles ...string) *onlooker {
	t.Helper()
	identity, err := tenant.Azure.CreateIdentity(arm.Identity{Name: name})
	check(t, err)
	scope, err := tenant.Azure.VaultScope(tenant.Vault)
	check(t, err)
	for _, role := range roles {
		_, err := tenant.Azure.AssignRole(role, identity.PrincipalID, scope)
		check(t, err)
	}
	_, err = tenant.Client.CoreV1().ServiceAccounts(tenant.Namespace).
		Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	check(t, err)
	_, err = tenant.Azure.CreateFederatedCredential("", name, arm.FederatedCredential{
		Name: name, Issuer: tenant.Issuer, Audiences: []string{system.Audience},
		Subject: fmt.Sprintf("system:serviceaccount:%s:%s", tenant.Namespace, name),
	})
	check(t, err)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{system.Audience}}}
	answer, err := tenant.Client.CoreV1().ServiceAccounts(tenant.Namespace).CreateToken(t.Context(), name, request, metav1.CreateOptions{})
	check(t, err)
	token := filepath.Join(t.TempDir(), "token")
	check(t, os.WriteFile(token, []byte(answer.Status.Token), 0o600))
	program, err := build.Product(t.Context(), tenant.Options.Log, "./cmd/kubectl-akv")
	check(t, err)
	return &onlooker{tenant, program, append(tenant.KubectlCommand(t.Context()).Env,
		"SSL_CERT_FILE="+tenant.Azure.CAFile(), "AZURE_TENANT_ID="+tenant.Azure.TenantID(),
		"AZURE_CLIENT_ID="+identity.ClientID, "AZURE_FEDERATED_TOKEN_FILE="+token)}
}

// ran is what a run has printed, and how it ended.
type ran struct {
	stdout, stderr string
	code           int
}

// run runs kubectl akv status in the tenant's namespace.
func (o *onlooker) run(t *testing.T, code int, args ...string) ran {
	t.Helper()
	return o.command(t, code, "status", args...)
}

// command runs another command of the plugin.
func (o *onlooker) command(t *testing.T, code int, name string, args ...string) ran {
	t.Helper()
	r, err := o.ask(t.Context(), name, args...)
	check(t, err)
	if r.code != code {
		t.Fatalf("exit code %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

func (o *onlooker) try(ctx context.Context, args ...string) (ran, error) {
	return o.ask(ctx, "status", args...)
}

func (o *onlooker) ask(ctx context.Context, name string, args ...string) (ran, error) {
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, o.program, append([]string{name, "-n", o.Namespace}, args...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = o.env, &stdout, &stderr
	err := cmd.Run()
	if exit := (&exec.ExitError{}); errors.As(err, &exit) {
		return ran{stdout.String(), stderr.String(), exit.ExitCode()}, nil
	}
	return ran{stdout.String(), stderr.String(), 0}, err
}

// statusItem is the documented form of an item.
type statusItem struct {
	Pod, Vault, Object, File, Status string
	SecretProviderClass              string
	Mounted, Newest                  *struct {
		Version string
		Created *time.Time
	}
	StaleSince *time.Time
	Reasons    []struct{ Code, Message string }
}

func (i *statusItem) reason(code string) string {
	for _, r := range i.Reasons {
		if r.Code == code {
			return r.Message
		}
	}
	return ""
}

func items(stdout string) ([]statusItem, error) {
	var report struct{ Items []statusItem }
	err := json.Unmarshal([]byte(stdout), &report)
	return report.Items, err
}

// look gives the one item that there is, and what else is told.
func (o *onlooker) look(t *testing.T, code int, args ...string) (statusItem, string) {
	t.Helper()
	r := o.run(t, code, append(args, "-o", "json")...)
	all, err := items(r.stdout)
	check(t, err)
	if len(all) != 1 {
		t.Fatalf("%d items, want 1\n%s%s", len(all), r.stdout, r.stderr)
	}
	return all[0], r.stderr
}

// await waits until the one item has a status, with a reason if one is given, and the
// program ends with a code.
func (o *onlooker) await(t *testing.T, status, reason string, code int, args ...string) (item statusItem) {
	t.Helper()
	check(t, o.Await(t.Context(), o.Namespace, "the status "+status+" "+reason, func(ctx context.Context) (bool, string) {
		r, err := o.try(ctx, append(args, "-o", "json")...)
		if err != nil {
			return false, err.Error()
		}
		all, err := items(r.stdout)
		if err != nil || len(all) != 1 {
			return false, fmt.Sprintf("%v: %s%s", err, r.stdout, r.stderr)
		}
		item = all[0]
		return item.Status == status && (reason == "" || item.reason(reason) != "") && r.code == code, r.stdout + r.stderr
	}))
	return item
}
