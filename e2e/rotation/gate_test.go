package rotation_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/injector"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// TestMountedGate: with the readiness gate no Service ever points at a pod that runs without its
// files, and no pod that has them is kept back; when akv-injector goes, no gate stays closed.
func TestMountedGate(t *testing.T) {
	sandbox.Require(t)
	s, err := system.Start(t.Context(), system.Options{PollInterval: time.Minute, Replicas: 2, InjectorArgs: []string{"--mounted-gates"}, Log: t.Output()})
	check(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})

	// The policy of the manifests does not allow the condition, so no pod gets the gate.
	f := newGated(t, s, "gated")
	_, err = f.SetSecret("DB-Password", "content")
	check(t, err)
	f.create(t)
	f.awaitReady(t)
	if hasGate(f.pod) {
		t.Error("a pod has a gate that nobody can open")
	}
	objects, err := injector.Chart(t.Context(), "mountedGate: {enabled: true}")
	check(t, err)
	for _, o := range objects {
		if slices.Contains([]string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ClusterRole"}, o.GetKind()) {
			check(t, injector.Apply(t.Context(), s.Config, o))
		}
	}
	f.awaitGates(t)

	fine := f.gated("fine")
	fine.create(t)
	fine.awaitReady(t)
	fine.awaitEndpoint(t)

	// What operations.md says of first mounts: the kubelet ends while the driver mounts.
	kubelet := newGated(t, s, "gated-kubelet")
	kubelet.hang(t)
	kubelet.create(t)
	kubelet.awaitWaiting(t, 1)
	check(t, s.Node.StopKubelet())
	kubelet.await(t, "the driver to unmount", func(context.Context) (bool, string) { return !kubelet.mounted(t), "mounted" })
	check(t, kubelet.answer())
	check(t, s.Node.StartKubelet(t.Context()))
	kubelet.checkKeptBack(t)
	check(t, s.API.Delete(t.Context(), kubelet.pod))
	again := kubelet.gated("again")
	again.create(t)
	again.awaitReady(t)
	again.checkFiles(t, "app", "DB-Password")
	again.awaitEndpoint(t)

	// The driver ends while it mounts. Its record is as late, so that nobody can tell that the
	// containers see the files by then.
	driver := newGated(t, s, "gated-driver")
	driver.hang(t)
	driver.create(t)
	driver.awaitWaiting(t, 1)
	check(t, s.Driver.KillDriver())
	check(t, driver.answer())
	check(t, s.Driver.StartDriver(t.Context()))
	driver.checkKeptBack(t)

	// One replica is enough, whether or not it leads.
	for i, r := range s.Injector.Replicas() {
		check(t, s.Injector.StopReplica(r))
		f.awaitGates(t)
		p := f.gated(fmt.Sprint("without-", i))
		p.create(t)
		p.awaitReady(t)
		if !hasGate(p.pod) {
			t.Error("a pod has no gate")
		}
		check(t, s.Injector.StartReplica(t.Context(), r))
		check(t, s.Injector.AwaitReady(t.Context()))
	}
	for _, r := range s.Injector.Replicas() {
		check(t, s.Injector.StopReplica(r))
	}
	output, err := s.Injector.RunOnce(t.Context(), "--open-mounted-gates")
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	driver.awaitReady(t)
}

// newGated makes a tenant with a Service of all its pods, and a pod that asks for the gate.
func newGated(t *testing.T, s *system.System, name string) *firstMount {
	t.Helper()
	f := newFirstMount(t, s, name, "DB-Password")
	check(t, s.API.Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: f.Namespace},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "gated"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}))
	return f.gated("pod")
}

// gated is one more pod that asks for the gate.
func (f *firstMount) gated(name string) *firstMount {
	pod := f.Pod(name, f.objects)
	pod.Labels = map[string]string{"app": "gated"}
	pod.Annotations[annotation.MountedGate] = "true"
	return &firstMount{Tenant: f.Tenant, objects: f.objects, pod: pod}
}

// awaitGates waits until pods get the gate from every replica that runs: each finds out for itself
// whether it can open one.
func (f *firstMount) awaitGates(t *testing.T) {
	t.Helper()
	f.await(t, "every replica to give pods the gate", func(ctx context.Context) (bool, string) {
		for range 8 {
			next := f.gated("dry").pod
			if err := f.API.Create(ctx, next, client.DryRunAll); err != nil || !hasGate(next) {
				return false, fmt.Sprint("no gate: ", err)
			}
		}
		return true, ""
	})
}

// checkKeptBack: the containers run with an empty folder, the driver mounts later, and the pod is not
// Ready before that nor after it.
func (f *firstMount) checkKeptBack(t *testing.T) {
	t.Helper()
	f.await(t, "the containers to be ready", func(ctx context.Context) (bool, string) {
		ready, _ := f.conditions(ctx, t)
		return ready[corev1.ContainersReady], fmt.Sprint(ready)
	})
	f.checkFiles(t, "app", "")
	// As if the kubelet had needed most of the driver's interval until they started: the rest of it
	// is short.
	f.await(t, "the containers to have run for a while", func(ctx context.Context) (bool, string) {
		ran := f.ran(ctx, t)
		return ran > 15*time.Second, ran.String()
	})
	f.age(t)
	_, err := f.AwaitEvent(t.Context(), "pod/"+f.pod.Name+" SecretsMountedTooLate", "delete the pod")
	check(t, err)
	ready, pointed := f.conditions(t.Context(), t)
	if ready[corev1.PodReady] || ready[annotation.ConditionMounted] || pointed {
		t.Errorf("%s: %v, a Service points at it: %t", f.pod.Name, ready, pointed)
	}
}

// ran is how long the container has run that started last.
func (f *firstMount) ran(ctx context.Context, t *testing.T) (ran time.Duration) {
	t.Helper()
	pod := &corev1.Pod{}
	check(t, f.API.Get(ctx, client.ObjectKeyFromObject(f.pod), pod))
	ran = math.MaxInt64
	for i := range pod.Status.ContainerStatuses {
		running := pod.Status.ContainerStatuses[i].State.Running
		if running == nil {
			return 0
		}
		ran = min(ran, time.Since(running.StartedAt.Time))
	}
	return ran
}

// conditions are those of the pod that are true, and whether a Service points at it.
func (f *firstMount) conditions(ctx context.Context, t *testing.T) (isTrue map[corev1.PodConditionType]bool, pointed bool) {
	t.Helper()
	pod := &corev1.Pod{}
	check(t, f.API.Get(ctx, client.ObjectKeyFromObject(f.pod), pod))
	isTrue = map[corev1.PodConditionType]bool{}
	for _, c := range pod.Status.Conditions {
		if c.Status == corev1.ConditionTrue {
			isTrue[c.Type] = true
		}
	}
	var slicesOf discoveryv1.EndpointSliceList
	check(t, f.API.List(ctx, &slicesOf, client.InNamespace(f.Namespace)))
	for i := range slicesOf.Items {
		for _, e := range slicesOf.Items[i].Endpoints {
			pointed = pointed || e.TargetRef != nil && e.TargetRef.UID == pod.UID && e.Conditions.Ready != nil && *e.Conditions.Ready
		}
	}
	return isTrue, pointed
}

func (f *firstMount) awaitEndpoint(t *testing.T) {
	t.Helper()
	f.await(t, "a Service to point at "+f.pod.Name, func(ctx context.Context) (bool, string) {
		isTrue, pointed := f.conditions(ctx, t)
		return pointed && isTrue[annotation.ConditionMounted], fmt.Sprint(isTrue)
	})
}

func hasGate(pod *corev1.Pod) bool {
	return slices.Contains(pod.Spec.ReadinessGates, corev1.PodReadinessGate{ConditionType: annotation.ConditionMounted})
}
