package doctor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/faultlist"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// result is the documented form of a result.
type result struct{ ID, Name, Layer, Status, Object, Seen, Matters, Fix string }

type bench struct {
	*cluster.Cluster
	program, bin string
	front        *front
}

func (b *bench) doctor(t *testing.T, args ...string) (results []result, code int, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.program, append([]string{"doctor", "-o", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+b.front.kubeconfig, "SSL_CERT_FILE="+b.front.caFile)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if len(out) > 0 {
		if err := json.Unmarshal(out, &results); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
	}
	return results, code, said.String()
}

// wrong are the results with a problem or a warning.
func wrong(results []result) (found []result) {
	return slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.Status != "problem" && r.Status != "warning" })
}

// run runs a command as it was printed.
func (b *bench) run(t *testing.T, command string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", command)
	cmd.Env = append(append(os.Environ(), b.KubectlCommand(t.Context()).Env...), "PATH="+b.bin+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
}

// whole is a cluster in which nothing is wrong, whose API server has further arguments.
func whole(t *testing.T, options ...string) *bench {
	t.Helper()
	b := &bench{Cluster: cluster.Start(t, controlplane.Options{ExtraAPIServerArgs: options}, injector.Options{}), bin: t.TempDir()}
	var err error
	if b.program, err = build.Product(t.Context(), t.Output(), "./cmd/kubectl-akv"); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\"\n", b.Kubectl)
	if err := os.WriteFile(filepath.Join(b.bin, "kubectl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	b.front = newFront(t, b.Config)
	b.Namespace(t, "shop", map[string]string{annotation.Vault: "payments-kv", annotation.ServiceAccount: cluster.Account})
	driver := &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName},
		Spec: storagev1.CSIDriverSpec{
			AttachRequired: new(false), PodInfoOnMount: new(true), RequiresRepublish: new(true),
			VolumeLifecycleModes: []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecycleEphemeral},
			TokenRequests:        []storagev1.TokenRequest{{Audience: provider.TokenAudience}},
		},
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
	objects := []client.Object{
		driver, node,
		daemonSet("secrets-store-csi-driver", "registry.example/driver:v1.6.1", "--provider-volume=/p", "--enable-secret-rotation=true"),
		daemonSet("provider", "registry.example/provider-azure:v1.8.2"),
		&storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Spec: storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{{Name: provider.DriverName, NodeID: "node-1"}}}},
		&admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "azure-wi-webhook-mutating-webhook-configuration"}},
		deployment(),
	}
	for _, o := range objects {
		if err := b.API.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	if err := b.API.Status().Update(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	b.ready(t, 2)
	return b
}

func daemonSet(name, image string, args ...string) *appsv1.DaemonSet {
	labels := map[string]string{"app": name}
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "kube-system"},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: image, Args: args}}}},
		},
	}
}

func deployment() *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/name": "akv-injector"}
	replicas := int32(2)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "akv-injector", Namespace: "akv-injector-system", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{ServiceAccountName: "akv-injector", Containers: []corev1.Container{{Name: "server", Image: "registry.example/akv-injector:v0.1.0"}}}},
		},
	}
}

// ready says how many replicas the Deployment has that are ready: nothing runs it here.
func (b *bench) ready(t *testing.T, replicas int32) {
	t.Helper()
	d := deployment()
	if err := b.API.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
		t.Fatal(err)
	}
	d.Status.ReadyReplicas, d.Status.Replicas = replicas, 2
	if err := b.API.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// patch changes an object by a merge patch.
func (b *bench) patch(t *testing.T, o client.Object, patch string) {
	t.Helper()
	if err := b.API.Patch(t.Context(), o, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

func named[T client.Object](o T, namespace, name string) T {
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

// fault is something that is broken, and what has to be said of it.
type fault struct {
	broken string
	id     string
	says   string
	args   []string
	breaks func(t *testing.T, b *bench)
	// mends mends it where what is printed cannot be run here: az aks and helm are not there.
	mends func(t *testing.T, b *bench)
	// after is what others do once it is mended.
	after func(t *testing.T, b *bench)
}

func TestDoctor(t *testing.T) {
	b := whole(t)
	began := time.Now()
	results, code, said := b.doctor(t)
	if bad := wrong(results); len(bad) > 0 || code != 0 || !strings.Contains(said, "0 problems") {
		t.Fatalf("of a cluster in which nothing is wrong: exit code %d, %s, %+v", code, said, bad)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	var rows []faultlist.Row
	for _, f := range faults {
		t.Run(f.id+" "+f.says, func(t *testing.T) {
			f.breaks(t, b)
			results, code, _ := b.doctor(t, f.args...)
			i := slices.IndexFunc(results, func(r result) bool { return r.ID == f.id && strings.Contains(r.Seen, f.says) && r.Status != "ok" })
			if i < 0 {
				t.Fatalf("not said: %+v", wrong(results))
			}
			if r := results[i]; r.Fix == "" || r.Matters == "" {
				t.Errorf("%+v", r)
			} else if r.Status == "problem" && code != 1 {
				t.Errorf("exit code %d for %+v", code, r)
			}
			rows = append(rows, faultlist.Row{Broken: f.broken, ID: f.id, Says: f.says, Fix: results[i].Fix, Ran: f.mends == nil})
			if f.mends != nil {
				f.mends(t, b)
			} else {
				b.run(t, results[i].Fix)
			}
			if f.after != nil {
				f.after(t, b)
			}
			results, _, said := b.doctor(t, f.args...)
			if !slices.ContainsFunc(results, func(r result) bool { return r.ID == f.id && r.Status == "ok" }) || slices.ContainsFunc(wrong(results), func(r result) bool { return r.ID == f.id }) {
				t.Errorf("mended it says: %s, %+v", said, results)
			}
		})
	}
	if len(rows) == len(faults) { // and not some that were chosen
		faultlist.Check(t, "on an API server", rows)
	}
}

func TestWithoutRights(t *testing.T) {
	b := whole(t)
	user, err := b.User("nobody")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), b.program, "doctor", "-o", "json")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+user.Kubeconfig)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	var results []result
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	unseen := 0
	for _, r := range results {
		if r.Status == "problem" || r.Status == "warning" {
			t.Errorf("guessed: %+v", r)
		}
		if r.Status == "not checked" {
			unseen++
			_, command, ok := strings.Cut(strings.TrimSuffix(r.Seen, ")"), "(")
			if !ok || !strings.HasPrefix(command, "kubectl auth can-i ") {
				t.Errorf("%+v does not say which right is missing", r)
				continue
			}
			ask := exec.CommandContext(t.Context(), "sh", "-eu", "-c", command)
			ask.Env = append(os.Environ(), "KUBECONFIG="+user.Kubeconfig, "PATH="+b.bin+":"+os.Getenv("PATH"))
			if answer, _ := ask.Output(); strings.TrimSpace(string(answer)) != "no" {
				t.Errorf("%s: %q, although it is what is missing for %s", command, answer, r.ID)
			}
		}
	}
	if unseen < 5 {
		t.Errorf("%d are not checked: %+v", unseen, results)
	}
}

func TestNoCluster(t *testing.T) {
	b := whole(t)
	if err := b.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, code, said := b.doctor(t)
	if code != 2 || strings.Count(said, "\n") != 1 || time.Since(began) > 10*time.Second {
		t.Errorf("exit code %d after %s: %s", code, time.Since(began), said)
	}
	if err := b.StartAPIServer(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Each webhook of the chart is missed when it is not there.
func TestEachWebhookIsMissed(t *testing.T) {
	b := whole(t)
	mutating := named(&admissionregistrationv1.MutatingWebhookConfiguration{}, "", "akv-injector")
	validating := named(&admissionregistrationv1.ValidatingWebhookConfiguration{}, "", "akv-injector")
	for _, o := range []client.Object{mutating, validating} {
		if err := b.API.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Fatal(err)
		}
	}
	missed := func(name string) {
		t.Helper()
		results, _, _ := b.doctor(t)
		if !slices.ContainsFunc(results, func(r result) bool { return r.ID == "AKVD021" && r.Seen == "missing: "+name }) {
			t.Errorf("without %s it says: %+v", name, wrong(results))
		}
	}
	update := func(o client.Object) {
		t.Helper()
		if err := b.API.Update(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	all := mutating.Webhooks
	for i, w := range all {
		mutating.Webhooks = slices.Delete(slices.Clone(all), i, i+1)
		update(mutating)
		missed(w.Name)
	}
	mutating.Webhooks = all
	update(mutating)
	others := validating.Webhooks
	for i, w := range others {
		validating.Webhooks = slices.Delete(slices.Clone(others), i, i+1)
		update(validating)
		missed(w.Name)
	}
	if len(all) == 0 || len(others) == 0 {
		t.Errorf("%d and %d webhooks", len(all), len(others))
	}
}
