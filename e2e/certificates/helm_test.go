package certificates_test

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
)

// release is the chart, installed by the real Helm.
type release struct {
	*cluster.Cluster
	helm, chart, kubeconfig string
}

func newRelease(t *testing.T) *release {
	t.Helper()
	r := &release{Cluster: cluster.Bare(t, controlplane.Options{})}
	for module, dir := range map[string]string{build.CertManager: "deploy/crds", build.CSIDriver: "config/crd/bases"} {
		folder, err := build.ModuleDir(t.Context(), module)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := controlplane.InstallCRDs(t.Context(), r.Config, filepath.Join(folder, filepath.FromSlash(dir))); err != nil {
			t.Fatal(err)
		}
	}
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	program, err := build.Tool(t.Context(), nil, "helm")
	if err != nil {
		t.Fatal(err)
	}
	user, err := r.User("helm", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	r.helm, r.chart, r.kubeconfig = program, filepath.Join(root, "deploy", "chart", "akv-injector"), user.Kubeconfig
	return r
}

func (r *release) run(t *testing.T, args ...string) {
	t.Helper()
	args = append(args, "--kubeconfig", r.kubeconfig, "--namespace", injector.Namespace)
	if args[0] == "install" || args[0] == "upgrade" {
		args = append(args, "--set", "image.repository="+build.ImageName)
	}
	cmd := exec.CommandContext(t.Context(), r.helm, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// mode is where the Deployment has its certificate from.
func (r *release) mode(t *testing.T) string {
	t.Helper()
	d, err := r.Client.AppsV1().Deployments(injector.Namespace).Get(t.Context(), "akv-injector", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Join(d.Spec.Template.Spec.Containers[0].Args, " ")
	switch own, files := strings.Contains(args, "--certificate-secret="), strings.Contains(args, "--cert-dir="); {
	case own && !files:
		return "self"
	case files && !own:
		return "files"
	}
	return args
}

// TestHelm: an upgrade keeps cert-manager where it made the certificate, a new installation needs none, and neither an upgrade nor a rollback takes away
// what akv-injector has written. An uninstall leaves nothing but the namespace.
func TestHelm(t *testing.T) {
	r := newRelease(t)
	want := func(step, mode string) {
		t.Helper()
		if is := r.mode(t); is != mode {
			t.Errorf("%s: the certificate is from %s, want %s", step, is, mode)
		}
	}
	r.run(t, "install", "akv-injector", r.chart, "--create-namespace", "--set", "certificates.mode=cert-manager")
	want("with cert-manager", "files")
	r.run(t, "upgrade", "akv-injector", r.chart)
	want("upgraded with the default", "files")
	r.run(t, "uninstall", "akv-injector")

	r.run(t, "install", "akv-injector", r.chart)
	want("a new installation", "self")
	secrets := r.Client.CoreV1().Secrets(injector.Namespace)
	secret, err := secrets.Get(t.Context(), injector.CertificateSecret, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	written := map[string][]byte{"tls.crt": []byte("written by the leader")}
	secret.Data = written
	if _, err := secrets.Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	hooks := r.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	hook, err := hooks.Get(t.Context(), configuration, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := r.ServingCertificate("ca", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	hook.Webhooks[0].ClientConfig.CABundle = pair.Cert
	if _, err := hooks.Update(t.Context(), hook, metav1.UpdateOptions{FieldManager: "akv-injector-certificates"}); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][]string{
		{"upgrade", "akv-injector", r.chart, "--set", "replicaCount=3"},
		{"upgrade", "akv-injector", r.chart, "--set", "commonLabels.team=platform,webhook.annotations.tool=keep"},
		{"rollback", "akv-injector"},
	} {
		r.run(t, step...)
		want(strings.Join(step, " "), "self")
		secret, err := secrets.Get(t.Context(), injector.CertificateSecret, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		hook, err := hooks.Get(t.Context(), configuration, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(secret.Data["tls.crt"], written["tls.crt"]) || !bytes.Equal(hook.Webhooks[0].ClientConfig.CABundle, pair.Cert) {
			t.Errorf("helm %s takes away what was written: %q, %q", step[0], secret.Data, hook.Webhooks[0].ClientConfig.CABundle)
		}
	}
	r.run(t, "uninstall", "akv-injector")
	left, err := r.KubectlCommand(context.WithoutCancel(t.Context()), "get", "-A", "-o", "name",
		"clusterroles,clusterrolebindings,roles,rolebindings,deployments,services,secrets,serviceaccounts,poddisruptionbudgets,mutatingwebhookconfigurations,validatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, left)
	}
	for line := range strings.Lines(string(left)) {
		if strings.Contains(line, "akv-injector") {
			t.Errorf("an uninstall leaves %s", line)
		}
	}
}
