package restart

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

var webLabels = map[string]string{"app": "web"}

type cluster struct {
	*testing.T
	objects []client.Object
	policy  bool
	patched []string
	evicted []string
	budget  bool // refuses evictions
	late    client.Object

	restarter *Restarter
	now       time.Time
	said      []string
}

func (c *cluster) Eventf(_, _ runtime.Object, _, reason, _, note string, args ...any) {
	c.said = append(c.said, reason+": "+fmt.Sprintf(note, args...))
}

func owner(kind, apiVersion, name, uid string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: name, UID: types.UID(uid), Controller: new(true)}}
}

// deployment is healthy, with its ReplicaSet.
func deployment() []client.Object {
	const name = "web"
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Generation: 3},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: webLabels}},
		Status:     appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1},
	}
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: name + "-1", UID: types.UID("uid-" + name + "-1"), OwnerReferences: owner(kindDeployment, "apps/v1", name, "uid-"+name),
	}}
	return []client.Object{d, rs}
}

// pod runs, asks for restarts, and has a record that the driver has written again after an hour.
func pod(name string, owners []metav1.OwnerReference, change ...func(*corev1.Pod, *secretsstorev1.SecretProviderClassPodStatus)) []client.Object {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Labels: webLabels, OwnerReferences: owners,
			Annotations: map[string]string{annotation.OnRotation: "restart"},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	p.Spec.Volumes = []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: provider.DriverName, VolumeAttributes: map[string]string{provider.AttributeClass: "class"},
	}}}}
	r := &secretsstorev1.SecretProviderClassPodStatus{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: name + "-shop-class", CreationTimestamp: metav1.NewTime(noon.Add(-2 * time.Hour)),
		OwnerReferences: []metav1.OwnerReference{{Kind: "Pod", UID: p.UID}},
		ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "driver", Time: &metav1.Time{Time: noon.Add(-time.Hour)}}},
	}}
	r.Status = secretsstorev1.SecretProviderClassPodStatusStatus{
		PodName: name, SecretProviderClassName: "class", Mounted: true, Objects: []secretsstorev1.SecretProviderClassObject{{ID: "secret/db", Version: "v2"}},
	}
	for _, c := range change {
		c(p, r)
	}
	return []client.Object{p, r}
}

// recordCache has records as the cache keeps them: the stand-in for the API server takes no times
// of managed fields.
type recordCache struct {
	client.Reader
	items []secretsstorev1.SecretProviderClassPodStatus
}

func (c recordCache) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if records, ok := list.(*secretsstorev1.SecretProviderClassPodStatusList); ok {
		records.Items = c.items
		return nil
	}
	return c.Reader.List(ctx, list, opts...)
}

// evictions takes evictions as an API server does, with or without a budget that refuses them.
type evictions struct {
	client.SubResourceWriter // what is not expected
	cluster                  *cluster
}

func (e *evictions) Create(_ context.Context, obj, sub client.Object, _ ...client.SubResourceCreateOption) error {
	eviction, ok := sub.(*policyv1.Eviction)
	if !ok || eviction.DeleteOptions == nil || *eviction.DeleteOptions.Preconditions.UID != obj.GetUID() {
		e.cluster.Errorf("the eviction is %+v", sub)
	}
	if e.cluster.budget {
		return apierrors.NewTooManyRequests("the budget", 10)
	}
	e.cluster.evicted = append(e.cluster.evicted, obj.GetName())
	return nil
}

func (c *cluster) run() error {
	c.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, secretsstorev1.AddToScheme} {
		if err := add(scheme); err != nil {
			c.Fatal(err)
		}
	}
	records := recordCache{}
	kept := c.objects[:0:0]
	for _, o := range c.objects {
		if record, ok := o.(*secretsstorev1.SecretProviderClassPodStatus); ok {
			records.items = append(records.items, *record)
		} else {
			kept = append(kept, o)
		}
	}
	objects := append([]client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "shop", Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled},
	}}}, kept...)
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(_ context.Context, _ client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			var o client.PatchOptions
			o.ApplyOptions(opts)
			raw, err := patch.Data(obj)
			if err != nil {
				return err
			}
			if len(o.DryRun) > 0 {
				if c.policy {
					return apierrors.NewForbidden(appsv1.Resource("deployments"), obj.GetName(), errors.New("ValidatingAdmissionPolicy 'x' denied request: "+policyWords+"."))
				}
				return nil
			}
			c.patched = append(c.patched, obj.GetObjectKind().GroupVersionKind().Kind+"/"+obj.GetName()+" "+string(raw))
			return nil
		},
	}).Build()
	records.Reader = api
	if c.late != nil {
		if err := api.Create(c.Context(), c.late); err != nil {
			c.Fatal(err)
		}
	}
	r := newRestarter(records, api, api, c, func() time.Time { return noon }, logr.Discard())
	r.evictions = &evictions{cluster: c}
	_, err := r.namespace(c.Context(), "shop")
	c.restarter, c.now = r, noon
	return err
}

// again looks at the namespace once more, later.
func (c *cluster) again(after time.Duration) error {
	c.Helper()
	c.now = c.now.Add(after)
	c.restarter.now = func() time.Time { return c.now }
	_, err := c.restarter.namespace(c.Context(), "shop")
	return err
}

func TestRestarts(t *testing.T) {
	both := func(change func(*corev1.Pod, *secretsstorev1.SecretProviderClassPodStatus)) []client.Object {
		return append(deployment(), pod("web-1-a", owner("ReplicaSet", "apps/v1", "web-1", "uid-web-1"), change)...)
	}
	as := func(*corev1.Pod, *secretsstorev1.SecretProviderClassPodStatus) {}
	const restarted = `Deployment/web {"metadata":{"uid":"uid-web"},"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-03-06T12:00:00Z"}}}}}`
	for name, c := range map[string]struct {
		objects []client.Object
		patched string
		said    string
	}{
		"a Deployment": {both(as), restarted, "RestartedForRotation: Restarted, because secrets of its pods were rotated: secret/db@v2"},
		"two of its pods": {
			append(both(as), pod("web-1-b", owner("ReplicaSet", "apps/v1", "web-1", "uid-web-1"))...),
			restarted, "RestartedForRotation",
		},
		"a first mount":   {both(func(_ *corev1.Pod, r *secretsstorev1.SecretProviderClassPodStatus) { r.ManagedFields = nil }), "", ""},
		"it does not ask": {both(func(p *corev1.Pod, _ *secretsstorev1.SecretProviderClassPodStatus) { p.Annotations = nil }), "", ""},
		"it asks for nonsense": {both(func(p *corev1.Pod, _ *secretsstorev1.SecretProviderClassPodStatus) {
			p.Annotations[annotation.RestartWindow] = "soon"
		}), "", ""},
		"it has finished": {both(func(p *corev1.Pod, _ *secretsstorev1.SecretProviderClassPodStatus) {
			p.Status.Phase = corev1.PodSucceeded
		}), "", ""},
		"another pod's record": {both(func(_ *corev1.Pod, r *secretsstorev1.SecretProviderClassPodStatus) {
			r.OwnerReferences[0].UID = "before"
		}), "", ""},
		"a record of nobody": {both(func(_ *corev1.Pod, r *secretsstorev1.SecretProviderClassPodStatus) { r.OwnerReferences = nil }), "", ""},
		"a claimed owner, of another uid": {
			both(func(p *corev1.Pod, _ *secretsstorev1.SecretProviderClassPodStatus) {
				p.OwnerReferences[0].UID = "claimed"
			}),
			"", "NotRestartedForRotation",
		},
		"a claimed owner, that selects others": {
			both(func(p *corev1.Pod, _ *secretsstorev1.SecretProviderClassPodStatus) {
				p.Labels = map[string]string{"app": "attack"}
			}),
			"", "NotRestartedForRotation",
		},
		"a bare pod": {pod("bare", nil), "", "NotRestartedForRotation: A secret of this pod was rotated, and on-rotation is restart, but it belongs to no Deployment"},
		"a Job": {
			append(pod("job-a", owner("Job", "batch/v1", "job", "uid-job")), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "job", UID: "uid-job"}}),
			"", "NotRestartedForRotation",
		},
		"a StatefulSet": {append(pod("db-0", owner(kindStatefulSet, "apps/v1", "db", "uid-db")), &appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db", UID: "uid-db"},
			Spec:       appsv1.StatefulSetSpec{Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: webLabels}},
			Status:     appsv1.StatefulSetStatus{Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1},
		}), "StatefulSet/db", "RestartedForRotation"},
		"a DaemonSet whose rollout is under way": {append(pod("ds-a", owner(kindDaemonSet, "apps/v1", "ds", "uid-ds")), &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "ds", UID: "uid-ds"},
			Spec:       appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: webLabels}},
			Status:     appsv1.DaemonSetStatus{DesiredNumberScheduled: 2, UpdatedNumberScheduled: 1, NumberAvailable: 2},
		}), "", ""},
		"a StatefulSet with a partition": {append(pod("db-0", owner(kindStatefulSet, "apps/v1", "db", "uid-db")), &appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db", UID: "uid-db"},
			Spec: appsv1.StatefulSetSpec{
				Replicas: new(int32(3)), Selector: &metav1.LabelSelector{MatchLabels: webLabels},
				UpdateStrategy: appsv1.StatefulSetUpdateStrategy{RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(2))}},
			},
			Status: appsv1.StatefulSetStatus{Replicas: 3, UpdatedReplicas: 1, AvailableReplicas: 3},
		}), "", "NotRestartedForRotation: A secret was rotated (secret/db@v2), and the updateStrategy"},
		"a DaemonSet that is updated OnDelete": {append(pod("ds-a", owner(kindDaemonSet, "apps/v1", "ds", "uid-ds")), &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "ds", UID: "uid-ds"},
			Spec: appsv1.DaemonSetSpec{
				Selector:       &metav1.LabelSelector{MatchLabels: webLabels},
				UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType},
			},
			Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 2, UpdatedNumberScheduled: 1, NumberAvailable: 2},
		}), "", "Fix: write on-rotation: evict"},
		"a reloader's": {func() []client.Object {
			all := both(as)
			all[0].SetAnnotations(map[string]string{annotation.ReloaderAuto: "true"})
			return all
		}(), "", "its restart is left to that"},
	} {
		t.Run(name, func(t *testing.T) {
			k := &cluster{T: t, objects: c.objects, policy: true}
			if err := k.run(); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(k.patched, "\n"); !strings.HasPrefix(got, c.patched) || (got == "") != (c.patched == "") || len(k.patched) > 1 {
				t.Errorf("patched %q, want %q", got, c.patched)
			}
			if got := strings.Join(k.said, "\n"); !strings.Contains(got, c.said) || (got == "") != (c.said == "") {
				t.Errorf("said %q, want %q", got, c.said)
			}
		})
	}
	k := &cluster{T: t, objects: both(as)}
	if err := k.run(); !errors.Is(err, errNoPolicy) || len(k.patched) != 0 {
		t.Errorf("without the policy: %v, patched %v", err, k.patched)
	}
}

// Pods are evicted one at a time, the oldest first, by uid, and never around a budget.
func TestEvicts(t *testing.T) {
	evict := func(age time.Duration) func(*corev1.Pod, *secretsstorev1.SecretProviderClassPodStatus) {
		return func(p *corev1.Pod, _ *secretsstorev1.SecretProviderClassPodStatus) {
			p.Annotations[annotation.OnRotation] = "evict"
			p.CreationTimestamp = metav1.NewTime(noon.Add(-age))
		}
	}
	rs := owner("ReplicaSet", "apps/v1", "web-1", "uid-web-1")
	objects := append(deployment(), append(pod("web-1-a", rs, evict(2*time.Hour)), pod("web-1-b", rs, evict(3*time.Hour))...)...)
	k := &cluster{T: t, objects: objects, policy: true}
	if err := k.run(); err != nil || fmt.Sprint(k.evicted) != "[web-1-b]" || len(k.patched) != 0 {
		t.Errorf("%v, evicted %v, patched %v", err, k.evicted, k.patched)
	}
	if said := strings.Join(k.said, "\n"); !strings.Contains(said, "RestartedForRotation: Pod web-1-b was evicted, because its secrets were rotated: secret/db@v2") {
		t.Errorf("said %q", said)
	}
	k = &cluster{T: t, objects: objects, policy: true, budget: true}
	if err := k.run(); err != nil || len(k.evicted) != 0 {
		t.Errorf("%v, evicted %v around a budget", err, k.evicted)
	}
	if said := strings.Join(k.said, "\n"); !strings.Contains(said, "A PodDisruptionBudget refuses the eviction of pod web-1-b") {
		t.Errorf("said %q", said)
	}
}

// A pod that runs without its files is evicted after a minute, the next ones with pauses that double, and
// three at most.
func TestEvictsEmpty(t *testing.T) {
	empty := func(name string, change func(*corev1.Pod)) client.Object {
		p, _ := pod(name, owner("ReplicaSet", "apps/v1", "web-1", "uid-web-1"))[0].(*corev1.Pod)
		p.Annotations = map[string]string{annotation.OnEmpty: "evict"}
		if change != nil {
			change(p)
		}
		return p
	}
	k := &cluster{T: t, objects: append(deployment(), empty("web-1-a", nil)), policy: true}
	check := func(err error, want int) {
		t.Helper()
		if err != nil || len(k.evicted) != want {
			t.Fatalf("%v, evicted %v, want %d", err, k.evicted, want)
		}
	}
	check(k.run(), 0)
	check(k.again(59*time.Second), 0)
	check(k.again(time.Second), 1)
	check(k.again(119*time.Second), 1) // the pod stays empty in this cluster
	check(k.again(time.Second), 2)
	check(k.again(239*time.Second), 2)
	check(k.again(time.Second), 3)
	check(k.again(24*time.Hour), 3)
	if said := strings.Join(k.said, "\n"); strings.Count(said, "it ran without its files") != 3 || strings.Count(said, "no more are") != 1 {
		t.Errorf("said %q", said)
	}
	for name, objects := range map[string][]client.Object{
		"it does not ask": append(deployment(), empty("web-1-a", func(p *corev1.Pod) { p.Annotations = nil })),
		"it has no owner": {empty("bare", func(p *corev1.Pod) { p.OwnerReferences = nil })},
		"it mounts none":  append(deployment(), empty("web-1-a", func(p *corev1.Pod) { p.Spec.Volumes = nil })),
		"it has a record": append(append(deployment(), empty("web-1-a", nil)), pod("web-1-a", nil)[1]),
	} {
		k = &cluster{T: t, objects: objects, policy: true}
		check(k.run(), 0)
		if err := k.again(time.Hour); err != nil || len(k.evicted) != 0 {
			t.Errorf("%s: %v, evicted %v", name, err, k.evicted)
		}
	}
	// The API server knows a record that the cache has not heard of.
	k = &cluster{T: t, objects: append(deployment(), empty("web-1-a", nil)), policy: true, late: pod("web-1-a", nil)[1]}
	check(k.run(), 0)
	check(k.again(time.Hour), 0)
}
