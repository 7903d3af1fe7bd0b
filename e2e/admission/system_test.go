package admission_test

import (
	"context"
	"errors"
	"net/http"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/internal/testing/await"
)

// patience is how long a condition may take to come true, on a machine that is busy
// with other tests.
const patience = 30 * time.Second

var soon = await.Poll{Limit: patience}

// system is a cluster and what these tests do with it.
type system struct{ *cluster.Cluster }

// install installs akv-injector in a cluster that has what it finds in a real one: the CSI
// driver, and an operator that may create pods.
func (s *system) install(ctx context.Context, options injector.Options) error {
	driver, err := readDriver()
	if err != nil {
		return err
	}
	if err := s.installDriver(ctx, driver); err != nil {
		return err
	}
	_, err = s.Client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "operator"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: foreignController.UserName}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return s.Install(ctx, options)
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
	config := rest.CopyConfig(s.Config)
	config.Impersonate = as
	config.WarningHandlerWithContext = recordWarnings{}
	return config
}

// httpCode is the status of the API server's answer, or 0 if it gave none.
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
