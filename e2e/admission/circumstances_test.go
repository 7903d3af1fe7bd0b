package admission_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"akv-injector/controller/refresh"
	"akv-injector/e2e/injector"
	"akv-injector/inject"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/corpus"
)

// circumstances of a case that a whole cluster shares.
type circumstances struct {
	settings inject.Settings
	// driver is the CSIDriver's spec in JSON.
	driver string
	// daemonSets are the driver's, in JSON.
	daemonSets string
	// mutating is false where the pod comes without having passed the mutating webhook.
	mutating bool
}

func circumstancesOf(t *testing.T, c *corpus.Case) circumstances {
	t.Helper()
	settings := c.Settings()
	settings.Version = ""
	return circumstances{
		settings: settings, driver: driverOf(t, c.Objects()), daemonSets: daemonSetsOf(t, c.Objects()),
		mutating: c.Mutating(),
	}
}

func daemonSetsOf(t *testing.T, objects []runtime.Object) string {
	t.Helper()
	var sets []*appsv1.DaemonSet
	for _, o := range objects {
		if set, ok := o.(*appsv1.DaemonSet); ok {
			sets = append(sets, set)
		}
	}
	if len(sets) == 0 {
		return ""
	}
	return string(mustJSON(t, sets))
}

func driverOf(t *testing.T, objects []runtime.Object) string {
	t.Helper()
	for _, o := range objects {
		if driver, ok := o.(*storagev1.CSIDriver); ok {
			text, err := json.Marshal(driver.Spec)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	return ""
}

// args are the settings as flags.
func (c circumstances) args() []string {
	var args []string
	for _, f := range []struct{ flag, value string }{
		{"tenant-id", c.settings.TenantID},
		{"cloud", c.settings.Cloud},
		{"rotation-poll-interval", c.settings.RotationPollInterval},
		{"identity-mode", c.settings.IdentityMode},
		{"vault-checks", c.settings.VaultChecks},
	} {
		if f.value != "" {
			args = append(args, "--"+f.flag+"="+f.value)
		}
	}
	if warning := c.settings.VaultExpiryWarning; warning != inject.DefaultVaultExpiryWarning {
		args = append(args, "--vault-expiry-warning="+warning.String())
	}
	if c.settings.ForbidAllow {
		args = append(args, "--forbid-allow")
	}
	if c.settings.Restarts {
		args = append(args, "--restarts")
	}
	if c.settings.MountedGate {
		args = append(args, "--mounted-gates")
	}
	return append(args, rotationMode(c.settings.DrivesRotation))
}

// rotationMode is drive for cases that say so: the others want it told what the cluster does alone.
func rotationMode(drives bool) string {
	if drives {
		return "--rotation=" + refresh.ModeDrive
	}
	return "--rotation=" + refresh.ModeObserve
}

// installed is akv-injector as deploy/install.yaml has it, in the version that the
// cases name.
func installed() injector.Options {
	return injector.Options{Args: []string{rotationMode(false)}, BuildFlags: []string{"-ldflags=-X main.version=" + corpus.Version}}
}

// become changes the system and restarts akv-injector, so that its caches are what
// the cluster is now.
func (s *system) become(t *testing.T, c circumstances) {
	t.Helper()
	if err := s.installDriver(t.Context(), c.driver); err != nil {
		t.Fatal(err)
	}
	s.installDaemonSets(t, c.daemonSets)
	s.Injector.SetArgs(c.args()...)
	if err := s.Injector.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.settings.MountedGate {
		s.allowGates(t)
	}
	configurations := s.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	if c.mutating {
		if _, err := configurations.Get(t.Context(), "akv-injector", metav1.GetOptions{}); err != nil {
			t.Fatalf("a group without the mutating webhook has to be the last: %v", err)
		}
		return
	}
	if err := configurations.Delete(t.Context(), "akv-injector", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	namespace := s.namespace(t)
	soon.Require(t, "the refusal of an asking pod that is not injected", func(ctx context.Context) (bool, string) {
		a := s.admit(ctx, request{namespace: namespace, pod: askingPod("asking"), dryRun: true})
		return apierrors.IsInvalid(a.err), fmt.Sprint(a.err)
	})
}

// allowGates applies the policy and the right by which akv-injector opens readiness gates, and waits until
// it has found out that it can.
func (s *system) allowGates(t *testing.T) {
	t.Helper()
	objects, err := injector.Chart(t.Context(), "mountedGate: {enabled: true}")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if slices.Contains([]string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ClusterRole"}, o.GetKind()) {
			if err := injector.Apply(t.Context(), s.Config, o); err != nil {
				t.Fatal(err)
			}
		}
	}
	namespace := s.namespace(t)
	// A pod to try the policy with.
	if a := s.admit(t.Context(), request{namespace: namespace, pod: askingPod("tried")}); a.err != nil {
		t.Fatal(a.err)
	}
	soon.Require(t, "a pod to get the readiness gate", func(ctx context.Context) (bool, string) {
		pod := annotated(askingPod("asking"), map[string]string{"mounted-gate": "true"})
		a := s.admit(ctx, request{namespace: namespace, pod: pod, dryRun: true})
		if a.err != nil {
			return false, a.err.Error()
		}
		gates, _, _ := unstructured.NestedSlice(a.pod.Object, "spec", "readinessGates")
		return len(gates) == 1, "no gate"
	})
}

// installDriver makes the CSIDriver what the spec says. Its audiences are all that
// may change, so it is regenerated.
func (s *system) installDriver(ctx context.Context, spec string) error {
	drivers := s.Client.StorageV1().CSIDrivers()
	if err := drivers.Delete(ctx, provider.DriverName, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if spec == "" {
		return nil // a cluster without the driver
	}
	driver := &storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName}}
	if err := json.Unmarshal([]byte(spec), &driver.Spec); err != nil {
		return err
	}
	_, err := drivers.Create(ctx, driver, metav1.CreateOptions{})
	return err
}

// installDaemonSets puts the driver's DaemonSets in the place of those that are there.
func (s *system) installDaemonSets(t *testing.T, text string) {
	t.Helper()
	sets := s.Client.AppsV1().DaemonSets(corpus.DriverNamespace)
	if err := sets.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if text == "" {
		return
	}
	var wanted []*appsv1.DaemonSet
	if err := json.Unmarshal([]byte(text), &wanted); err != nil {
		t.Fatal(err)
	}
	for _, set := range wanted {
		if _, err := sets.Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
			t.Fatalf("a fault of the case: the driver's DaemonSet cannot be: %v", err)
		}
	}
}
