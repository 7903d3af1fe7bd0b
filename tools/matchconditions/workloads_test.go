package matchconditions

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
)

// write is one request about a workload or a class.
type write struct {
	now, before runtime.Object
	user        string
	dryRun      bool
}

func (w write) attributes(kind schema.GroupVersionKind) *admission.VersionedAttributes {
	operation := admission.Create
	var options runtime.Object = &metav1.CreateOptions{}
	switch {
	case w.now == nil:
		operation, options = admission.Delete, &metav1.DeleteOptions{}
	case w.before != nil:
		operation, options = admission.Update, &metav1.UpdateOptions{}
	}
	a := &admission.VersionedAttributes{
		Attributes: admission.NewAttributesRecord(w.now, w.before, kind, "shop", "web",
			kind.GroupVersion().WithResource("any"), "", operation, options, w.dryRun, &user.DefaultInfo{Name: w.user}),
		VersionedKind: kind,
	}
	if w.now != nil {
		a.VersionedObject = admission.NewLazyObject(w.now)
	}
	if w.before != nil {
		a.VersionedOldObject = admission.NewLazyObject(w.before)
	}
	return a
}

// asMaps is the same request with maps in the place of typed objects.
func (w write) asMaps(t *testing.T) write {
	t.Helper()
	if w.now != nil {
		w.now = asMap(t, w.now)
	}
	if w.before != nil {
		w.before = asMap(t, w.before)
	}
	return w
}

// wantCalled runs a request, in both forms, through the webhooks that are not about pods.
func wantCalled(t *testing.T, kind schema.GroupVersionKind, w write, of []string, want string) {
	t.Helper()
	compiler := cel.NewConditionCompiler(environment.MustBaseEnvSet(oldest))
	for form, w := range map[string]write{"typed": w, "map": w.asMaps(t)} {
		for _, hook := range webhooks(t) {
			for _, name := range of {
				if name != hook.GetName() {
					continue
				}
				got := hook.GetCompiledMatcher(compiler).Match(t.Context(), w.attributes(kind), nil, nil)
				if got.Error != nil {
					t.Errorf("%s, %s: %v", name, form, got.Error)
				}
				if got.Matches != (name == want) {
					t.Errorf("%s, %s: called is %v (condition %q)", name, form, got.Matches, got.FailedConditionName)
				}
			}
		}
	}
}

var (
	ours   = metav1.ObjectMeta{Annotations: map[string]string{"azure.keyvault.injector/objects": "a"}}
	byHand = corev1.PodSpec{Volumes: []corev1.Volume{{
		Name: "v", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "secrets-store.csi.k8s.io"}},
	}}}
)

func TestWorkloadsThatReachAWebhook(t *testing.T) {
	kinds := map[string]struct {
		kind schema.GroupVersionKind
		of   func(metav1.ObjectMeta, corev1.PodTemplateSpec) runtime.Object
	}{
		"Deployment": {appsv1.SchemeGroupVersion.WithKind("Deployment"), func(m metav1.ObjectMeta, p corev1.PodTemplateSpec) runtime.Object {
			return &appsv1.Deployment{ObjectMeta: m, Spec: appsv1.DeploymentSpec{Template: p}}
		}},
		"ReplicationController": {corev1.SchemeGroupVersion.WithKind("ReplicationController"), func(m metav1.ObjectMeta, p corev1.PodTemplateSpec) runtime.Object {
			return &corev1.ReplicationController{ObjectMeta: m, Spec: corev1.ReplicationControllerSpec{Template: &p}}
		}},
		"CronJob": {batchv1.SchemeGroupVersion.WithKind("CronJob"), func(m metav1.ObjectMeta, p corev1.PodTemplateSpec) runtime.Object {
			return &batchv1.CronJob{ObjectMeta: m, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: p}}}}
		}},
	}
	template := func(m metav1.ObjectMeta, s corev1.PodSpec) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{ObjectMeta: m, Spec: s}
	}
	plain, asks, hand := template(metav1.ObjectMeta{}, corev1.PodSpec{}), template(ours, byHand), template(metav1.ObjectMeta{}, byHand)
	bumped := *hand.DeepCopy()
	bumped.Spec.Containers = []corev1.Container{{Name: "app", Image: "app:2"}}
	generation := func(n int64) metav1.ObjectMeta { return metav1.ObjectMeta{Name: "web", Generation: n} }
	going := metav1.ObjectMeta{DeletionTimestamp: new(metav1.NewTime(time.Unix(1, 0))), Generation: 2}
	type part struct {
		meta metav1.ObjectMeta
		pod  corev1.PodTemplateSpec
	}
	cases := map[string]struct {
		now    part
		before *part
		user   string
		dryRun bool
		want   string
	}{
		"nothing to do with secrets":      {now: part{generation(1), plain}},
		"asks":                            {now: part{generation(1), asks}, want: askingWorkloads},
		"our annotation on itself":        {now: part{ours, plain}, want: askingWorkloads},
		"by hand":                         {now: part{generation(1), hand}, want: handwrittenWorkloads},
		"asks, spec changes":              {now: part{generation(2), asks}, before: &part{generation(1), plain}, want: askingWorkloads},
		"asks, spec as before":            {now: part{generation(2), asks}, before: &part{generation(2), asks}},
		"asks, spec as before, dry run":   {now: part{generation(2), asks}, before: &part{generation(2), asks}, dryRun: true, want: askingWorkloads},
		"annotated a moment ago":          {now: part{ours, plain}, before: &part{metav1.ObjectMeta{}, plain}, want: askingWorkloads},
		"by hand, image changes":          {now: part{generation(2), bumped}, before: &part{generation(1), hand}, want: handwrittenWorkloads},
		"by hand, template as before":     {now: part{generation(2), hand}, before: &part{generation(1), hand}},
		"asks, being deleted":             {now: part{going, asks}, before: &part{generation(1), plain}},
		"by hand, being deleted":          {now: part{going, hand}, before: &part{generation(1), plain}},
		"asks, the Deployment controller": {now: part{generation(2), asks}, before: &part{generation(1), asks}, user: "system:serviceaccount:kube-system:deployment-controller"},
		"by hand, cronjob controller":     {now: part{generation(1), hand}, user: "system:serviceaccount:kube-system:cronjob-controller"},
		"asks, somebody in kube-system":   {now: part{generation(1), asks}, user: "system:serviceaccount:kube-system:installer", want: askingWorkloads},
		"asks, our own":                   {now: part{generation(1), asks}, user: "system:serviceaccount:akv-injector-system:akv-injector"},
	}
	for kindName, k := range kinds {
		for name, c := range cases {
			t.Run(kindName+"/"+name, func(t *testing.T) {
				w := write{now: k.of(c.now.meta, c.now.pod), user: c.user, dryRun: c.dryRun}
				if c.before != nil {
					w.before = k.of(c.before.meta, c.before.pod)
				}
				wantCalled(t, k.kind, w, []string{askingWorkloads, handwrittenWorkloads}, c.want)
			})
		}
		t.Run(kindName+"/empty", func(t *testing.T) {
			compiler := cel.NewConditionCompiler(environment.MustBaseEnvSet(oldest))
			empty := func() runtime.Object { return &unstructured.Unstructured{Object: map[string]any{}} }
			for _, hook := range webhooks(t) {
				for _, w := range []write{{now: empty()}, {now: empty(), before: empty()}, {before: empty()}} {
					if got := hook.GetCompiledMatcher(compiler).Match(t.Context(), w.attributes(k.kind), nil, nil); got.Error != nil {
						t.Errorf("%s: %v", hook.GetName(), got.Error)
					}
				}
			}
		})
	}
}

func TestClassesThatReachAWebhook(t *testing.T) {
	kind := schema.GroupVersionKind{Group: "secrets-store.csi.x-k8s.io", Version: "v1", Kind: "SecretProviderClass"}
	of := func(vault string, meta map[string]any) runtime.Object {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "secrets-store.csi.x-k8s.io/v1", "kind": kind.Kind, "metadata": meta,
			"spec": map[string]any{"provider": "azure", "parameters": map[string]any{"keyvaultName": vault}},
		}}
	}
	meta := map[string]any{"name": "web", "namespace": "shop"}
	going := map[string]any{"name": "web", "deletionTimestamp": "2026-01-01T00:00:00Z"}
	cases := map[string]struct {
		write
		called bool
	}{
		"created":                  {write{now: of("a", meta)}, true},
		"changed":                  {write{now: of("a", meta), before: of("b", meta)}, true},
		"labelled":                 {write{now: of("a", map[string]any{"labels": map[string]any{"team": "a"}}), before: of("a", meta)}, false},
		"deleted":                  {write{before: of("a", meta)}, true},
		"deleted twice":            {write{before: of("a", going)}, false},
		"finalized":                {write{now: of("a", going), before: of("b", going)}, false},
		"deleted with a namespace": {write{before: of("a", meta), user: "system:serviceaccount:kube-system:namespace-controller"}, false},
		"our own":                  {write{now: of("a", meta), user: "system:serviceaccount:akv-injector-system:akv-injector"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := ""
			if c.called {
				want = classes
			}
			wantCalled(t, kind, c.write, []string{classes}, want)
		})
	}
}
