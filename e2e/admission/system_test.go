package admission_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/internal/testing/await"
)

// Webhooks of deploy/install.yaml.
const (
	mutating    = "pods.mutate.azure.keyvault.injector"
	asking      = "asking.validate.azure.keyvault.injector"
	handwritten = "handwritten.validate.azure.keyvault.injector"
)

// patience is how long a condition may take to come true, on a machine that is busy
// with other tests.
const patience = 30 * time.Second

var soon = await.Poll{Limit: patience}

// system is a control plane with akv-injector installed.
type system struct {
	cp *controlplane.ControlPlane
	in *injector.Injector
}

// start starts a system whose API server calls all three webhooks.
func start(ctx context.Context, plane controlplane.Options, options injector.Options) (s *system, err error) {
	cp, err := controlplane.Start(ctx, plane)
	if err != nil {
		return nil, err
	}
	if s, err = install(ctx, cp, options); err != nil {
		return nil, errors.Join(err, cp.Stop())
	}
	return s, nil
}

// install installs akv-injector into a control plane and waits until its webhooks are
// called: the API server learns of new configurations a moment later.
func install(ctx context.Context, cp *controlplane.ControlPlane, options injector.Options) (*system, error) {
	s := &system{cp: cp}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	in, err := injector.Install(ctx, cp, options)
	if err != nil {
		return nil, err
	}
	s.in = in
	if err := s.awaitCalls(ctx); err != nil {
		return nil, errors.Join(err, in.Stop())
	}
	return s, nil
}

// prepare makes what the cluster has before akv-injector comes: the CSI driver, and an
// operator that may create pods.
func (s *system) prepare(ctx context.Context) error {
	driver, err := readDriver()
	if err != nil {
		return err
	}
	if err := s.installDriver(ctx, driver); err != nil {
		return err
	}
	_, err = s.cp.Client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "operator"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: foreignController.UserName}},
	}, metav1.CreateOptions{})
	return err
}

func (s *system) awaitCalls(ctx context.Context) error {
	const namespace = "awaiting-calls"
	if err := s.makeNamespace(ctx, namespace, optedIn, nil); err != nil {
		return err
	}
	bad := handwrittenPod("bad", "none")
	first(bad, "spec", "volumes")["csi"].(map[string]any)["readOnly"] = false
	return soon.Until(ctx, "the API server to call all webhooks", func(ctx context.Context) (bool, string) {
		asked := s.admit(ctx, request{namespace: namespace, pod: askingPod("asking"), dryRun: true})
		byHand := s.admit(ctx, request{namespace: namespace, pod: bad, dryRun: true})
		return asked.err == nil && asked.pod.GetLabels()["azure.keyvault.injector/injected"] == "true" && apierrors.IsInvalid(byHand.err),
			fmt.Sprintf("an asking pod: %v; a bad pod: %v", asked.err, byHand.err)
	})
}

// explainFailure prints the end of the replicas' logs if the test fails.
func (s *system) explainFailure(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for i, r := range s.in.Replicas() {
			lines := strings.Split(strings.TrimSpace(r.Log()), "\n")
			t.Logf("akv-injector %d says at last:\n%s", i, strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
	})
}

// warningsKey finds the place for a request's warnings in its context.
type warningsKey struct{}

// recordWarnings is a rest.WarningHandlerWithContext.
type recordWarnings struct{}

func (recordWarnings) HandleWarningHeaderWithContext(ctx context.Context, code int, _, text string) {
	// 299 is the code of the API server's own warnings (RFC 7234).
	if lines, ok := ctx.Value(warningsKey{}).(*[]string); ok && code == 299 {
		*lines = append(*lines, text)
	}
}

// config is the administrator's, acting as somebody else if as is not empty.
func (s *system) config(as rest.ImpersonationConfig) *rest.Config {
	config := rest.CopyConfig(s.cp.Config)
	config.Impersonate = as
	config.WarningHandlerWithContext = recordWarnings{}
	return config
}

// status is the API server's answer, if the error is one.
func httpCode(err error) int {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return int(status.Status().Code)
	}
	if err == nil {
		return http.StatusOK
	}
	return 0
}
