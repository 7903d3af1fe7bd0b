package rotation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/faultlist"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// word is what a check has to say.
type word struct{ id, says string }

// nodeFault keeps a pod of a real node from its secrets.
type nodeFault struct {
	name, broken string
	breaks       func(t *system.Tenant) error
	// pod asks; not set is one that asks for a secret.
	pod func(t *system.Tenant) *corev1.Pod
	// says is said, and the fix of the first is run. mends mends it where that is for somebody else.
	says  []word
	mends func(t *testing.T, tenant *system.Tenant) error
}

const stuckPod = "web"

func asking(t *system.Tenant) *corev1.Pod { return t.Pod(stuckPod, secret) }

func annotated(key, value string) func(t *system.Tenant) *corev1.Pod {
	return func(t *system.Tenant) *corev1.Pod {
		pod := asking(t)
		pod.Annotations[key] = value
		return pod
	}
}

// again creates the pod as it should have been.
func again(t *testing.T, tenant *system.Tenant) error {
	t.Helper()
	if err := tenant.Client.CoreV1().Pods(tenant.Namespace).Delete(t.Context(), stuckPod, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		return err
	}
	return tenant.API.Create(t.Context(), asking(tenant))
}

var nodeFaults = []nodeFault{
	{
		name: "no-credential", broken: "the identity has no federated credential", breaks: (*system.Tenant).Unfederate,
		says: []word{{"AKVD060", "no federated credential"}, {"AKVD051", "no federated credential"}, {"AKVD050", "AADSTS70025"}},
	},
	{
		name: "other-subject", broken: "the federated credential is for another ServiceAccount",
		breaks: func(t *system.Tenant) error {
			return t.FederateAs(t.Issuer, "system:serviceaccount:"+t.Namespace+":default", system.Audience)
		},
		says: []word{{"AKVD051", "has another subject: system:serviceaccount:other-subject:default"}, {"AKVD060", "(the subject)"}, {"AKVD050", "AADSTS700213"}},
	},
	{
		name: "other-issuer", broken: "the federated credential's issuer has a slash too many",
		breaks: func(t *system.Tenant) error { return t.FederateAs(t.Issuer+"/", t.Subject(), system.Audience) },
		says:   []word{{"AKVD060", "(the issuer)"}, {"AKVD051", "has another issuer"}, {"AKVD050", "AADSTS700211"}},
	},
	{
		name: "other-audience", broken: "the federated credential is for another audience",
		breaks: func(t *system.Tenant) error { return t.FederateAs(t.Issuer, t.Subject(), "api://Another") },
		says:   []word{{"AKVD060", "another audience"}, {"AKVD051", "has another audience: api://Another"}, {"AKVD050", "AADSTS700212"}},
	},
	{
		name: "no-role", broken: "the identity has no role in the vault",
		breaks: func(t *system.Tenant) error { return t.Revoke(t.Vault, system.RoleSecretsUser) },
		says:   []word{{"AKVD060", "no role in the vault"}, {"AKVD052", "lets the identity no-role read it"}, {"AKVD050", "no role for this object"}},
	},
	{
		name: "other-role", broken: "the identity has a role that reads no values (Key Vault Reader)",
		breaks: func(t *system.Tenant) error {
			if err := t.Revoke(t.Vault, system.RoleSecretsUser); err != nil {
				return err
			}
			return t.Grant(t.Vault, "Key Vault Reader")
		},
		says: []word{{"AKVD052", "the nearest, Key Vault Reader, does not allow"}, {"AKVD060", "no role in the vault"}},
	},
	{
		name: "other-scope", broken: "the role is for another object",
		breaks: func(t *system.Tenant) error {
			if err := t.Revoke(t.Vault, system.RoleSecretsUser); err != nil {
				return err
			}
			identity, err := t.Azure.Identity("", t.Namespace)
			if err != nil {
				return err
			}
			if _, err := t.SetSecret("another", "x"); err != nil {
				return err
			}
			scope, err := t.Azure.ObjectScope(t.Vault, "secrets", "another")
			if err != nil {
				return err
			}
			_, err = t.Azure.AssignRole(system.RoleSecretsUser, identity.PrincipalID, scope)
			return err
		},
		says: []word{{"AKVD052", "the nearest, Key Vault Secrets User, is for another scope"}, {"AKVD060", "no role in the vault"}, {"AKVD050", "no role for this object"}},
	},
	{
		name: "disabled", broken: "the newest version of the secret is disabled",
		breaks: func(t *system.Tenant) error {
			_, err := t.Azure.Vault().SetSecret(t.Vault, secret, "content", vault.Attributes{Enabled: new(bool)})
			return err
		},
		says: []word{{"AKVD060", "disabled"}},
	},
	{
		name: "deleted", broken: "the secret has been deleted",
		breaks: func(t *system.Tenant) error { return t.Azure.Vault().Delete(t.Vault, vault.Secret, secret) },
		says:   []word{{"AKVD060", "no such object"}, {"AKVD050", "no such object"}},
	},
	{
		name: "not-allowed", broken: "the ServiceAccount may not use the identity of its identity binding",
		breaks: func(t *system.Tenant) error {
			if err := t.Unfederate(); err != nil {
				return err
			}
			identity, err := t.Azure.Identity("", t.Namespace)
			if err != nil {
				return err
			}
			return t.TokenProxy.Bind(&identity)
		},
		pod:  annotated(annotation.IdentityMode, annotation.IdentityBinding),
		says: []word{{"AKVD060", "may not use the identity of the binding"}},
	},
	{
		name: "no-vault", broken: "there is no vault of this name", pod: annotated(annotation.Vault, "no-vault-at-all"),
		says: []word{{"AKVD060", "cannot be resolved"}},
		mends: func(_ *testing.T, t *system.Tenant) error {
			if err := t.CreateVault("no-vault-at-all"); err != nil {
				return err
			}
			_, err := t.Azure.Vault().SetSecret("no-vault-at-all", secret, "content", vault.Attributes{})
			return err
		},
	},
	{
		name: "no-client", broken: "the client id is nobody's", pod: annotated(annotation.ClientID, "99999999-9999-9999-9999-999999999999"),
		says: []word{{"AKVD060", "no identity with this client id"}, {"AKVD050", "AADSTS700016"}}, mends: again,
	},
	{
		name: "no-tenant", broken: "there is no such tenant", pod: annotated(annotation.TenantID, "88888888-8888-8888-8888-888888888888"),
		says: []word{{"AKVD060", "no such tenant"}, {"AKVD050", "AADSTS90002"}}, mends: again,
	},
	{
		name: "throttled", broken: "the vault answers 429",
		breaks: func(t *system.Tenant) error {
			return t.Azure.SetVaultFault(t.Vault, &faults.Fault{Status: 429, RetryAfter: time.Second})
		},
		says:  []word{{"AKVD060", "asked more often than it answers"}},
		mends: func(_ *testing.T, t *system.Tenant) error { return t.Azure.SetVaultFault(t.Vault, nil) },
	},
	{
		name: "out-of-order", broken: "the vault answers 503",
		breaks: func(t *system.Tenant) error {
			return t.Azure.SetVaultFault(t.Vault, &faults.Fault{Status: 503, RetryAfter: time.Second})
		},
		says:  []word{{"AKVD060", "does not answer the node"}},
		mends: func(_ *testing.T, t *system.Tenant) error { return t.Azure.SetVaultFault(t.Vault, nil) },
	},
}

// stuck: a pod waits in ContainerCreating, and kubectl akv doctor says why. The fix that it prints, run as it is printed, starts the pod; then
// it says nothing any more.
func stuck(t *testing.T, s *system.System) {
	seen := &struct {
		sync.Mutex
		rows []faultlist.Row
	}{}
	t.Run("each", func(t *testing.T) {
		for i := range nodeFaults {
			f := &nodeFaults[i]
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				rows := f.run(t, s)
				seen.Lock()
				defer seen.Unlock()
				seen.rows = append(seen.rows, rows...)
			})
		}
	})
	all := 0
	for i := range nodeFaults {
		all += len(nodeFaults[i].says)
	}
	if len(seen.rows) == all { // and not some that were chosen
		faultlist.Check(t, "on a node", seen.rows)
	}
}

// saying is what doctor says.
type saying struct{ ID, Status, Seen, Fix string }

func (f *nodeFault) run(t *testing.T, s *system.System) []faultlist.Row {
	t.Helper()
	tenant := newTenant(t, s, f.name)
	setSecret(t, tenant, secret, "content")
	if f.breaks != nil {
		check(t, f.breaks(tenant))
	}
	pod := asking
	if f.pod != nil {
		pod = f.pod
	}
	check(t, s.API.Create(t.Context(), pod(tenant)))
	user := setupUser(t, s, t.TempDir())
	ask := func(ctx context.Context) (results []saying, err error) {
		out, err := user.run(ctx, "kubectl akv doctor -o json -n "+tenant.Namespace+" --as-workload --with-az "+stuckPod+" || [ $? = 1 ]")
		if err != nil {
			return nil, err
		}
		return results, json.Unmarshal([]byte(out), &results)
	}
	poll := await.Poll{Limit: 3 * time.Minute}
	rows, fix := make([]faultlist.Row, len(f.says)), ""
	check(t, poll.Until(t.Context(), "doctor to say it", func(ctx context.Context) (bool, string) {
		results, err := ask(ctx)
		if err != nil {
			return false, err.Error()
		}
		for i, w := range f.says {
			said := find(results, w)
			if said == nil {
				return false, fmt.Sprintf("%+v is not said: %+v", w, of(results, w.id))
			}
			rows[i] = faultlist.Row{Broken: f.broken, ID: w.id, Says: w.says, Fix: said.Fix, Ran: i == 0 && f.mends == nil}
			if i == 0 {
				fix = said.Fix
			}
		}
		return true, ""
	}))
	for _, call := range s.Azure.Vault().Audit() {
		// The provider cannot have read it yet: who has would be doctor.
		if call.Vault == tenant.Vault && call.Status == http.StatusOK && !strings.HasSuffix(call.Path, "/versions") {
			t.Errorf("doctor asked for more than metadata: %+v", call)
		}
	}
	if f.mends != nil {
		check(t, f.mends(t, tenant))
	} else if _, err := user.run(t.Context(), fix); err != nil {
		t.Fatalf("the fix fails: %v", err)
	}
	_, err := tenant.AwaitPod(t.Context(), stuckPod)
	check(t, err)
	check(t, poll.Until(t.Context(), "doctor to say nothing any more", func(ctx context.Context) (bool, string) {
		results, err := ask(ctx)
		if err != nil {
			return false, err.Error()
		}
		for _, w := range f.says {
			if !well(results, w.id) {
				return false, fmt.Sprintf("%+v", of(results, w.id))
			}
		}
		return true, ""
	}))
	return rows
}

func find(results []saying, w word) *saying {
	for i := range results {
		if r := &results[i]; r.ID == w.id && strings.Contains(r.Seen, w.says) && (r.Status == "problem" || r.Status == "warning") && r.Fix != "" {
			return r
		}
	}
	return nil
}

// well reports whether a check has looked, and has found nothing wrong.
func well(results []saying, id string) bool {
	looked := false
	for _, r := range results {
		if r.ID == id && (r.Status == "problem" || r.Status == "warning") {
			return false
		}
		looked = looked || r.ID == id && r.Status == "ok"
	}
	return looked
}

// of are the results of a check.
func of(results []saying, id string) []saying {
	return slices.DeleteFunc(slices.Clone(results), func(r saying) bool { return r.ID != id })
}
