package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
)

// counting lists the calls to the API server.
func counting(c *calls) interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, api client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			c.add("get")
			return api.Get(ctx, key, obj, opts...)
		},
		Create: func(ctx context.Context, api client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			c.add("create")
			return api.Create(ctx, obj, opts...)
		},
		Update: func(ctx context.Context, api client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			c.add("update")
			return api.Update(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, api client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			c.add("patch")
			return api.Patch(ctx, obj, patch, opts...)
		},
	}
}

func TestEnsureClass(t *testing.T) {
	class := classOf("payments", "db")
	tests := map[string]struct {
		reason string
		cached *secretsstorev1.SecretProviderClass
		live   *secretsstorev1.SecretProviderClass
		want   string
		calls  []string
	}{
		"settled": {
			reason: "the thousandth pod of a workload costs no call",
			cached: stored(class), live: stored(class),
			want: Unchanged,
		},
		"missing": {
			reason: "the first pod writes the class",
			want:   Created,
			calls:  []string{"create"},
		},
		"cache behind": {
			reason: "the cache has not heard of the class that the pod before this one made",
			live:   stored(class),
			want:   Unchanged,
			calls:  []string{"create", "get"},
		},
		"gone": {
			reason: "the cache has not heard of the deletion, but the collector's mark it has",
			cached: stored(class, markAgo(time.Hour)),
			want:   Created,
			calls:  []string{"patch", "get", "create"},
		},
		"edited": {
			reason: "a content that is not the name's is rewritten",
			cached: stored(class, edited), live: stored(class, edited),
			want:  Rewritten,
			calls: []string{"update"},
		},
		"edited, cache behind": {
			reason: "what the cache knows of the content is not written back over what is there",
			cached: stored(class, edited), live: stored(class, resourceVersion("2000")),
			want:  Unchanged,
			calls: []string{"update", "get"},
		},
		"label lost, cache behind": {
			reason: "whose it is, too, is for the API server to say",
			cached: stored(class, unlabelled), live: stored(class, resourceVersion("2000")),
			want:  Unchanged,
			calls: []string{"get"},
		},
		"marked": {
			reason: "a class that is about to be collected is wanted again",
			cached: stored(class, markAgo(time.Hour)), live: stored(class, markAgo(time.Hour)),
			want:  Unmarked,
			calls: []string{"patch"},
		},
		"marked and edited": {
			reason: "one write does both",
			cached: stored(class, edited, markAgo(time.Hour)), live: stored(class, edited, markAgo(time.Hour)),
			want:  Rewritten,
			calls: []string{"update"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var made calls
			live := cluster(t, counting(&made), objects(tc.live)...)
			w := ClassWriter{Cached: cluster(t, interceptor.Funcs{}, objects(tc.cached)...), Live: live, Writer: live}

			got, err := w.EnsureClass(t.Context(), testNamespace, class)
			if err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			if got != tc.want {
				t.Errorf("%s: did %q, want %q", tc.reason, got, tc.want)
			}
			if diff := cmp.Diff(tc.calls, made.names); diff != "" {
				t.Errorf("%s: calls (-want +got):\n%s", tc.reason, diff)
			}
			if spc := storedClass(t.Context(), t, live, class.Name); spc == nil || !settled(spc, class) {
				t.Errorf("%s: the class is not as it should be: %v", tc.reason, spc)
			}
		})
	}
}

func resourceVersion(rv string) func(*secretsstorev1.SecretProviderClass) {
	return func(spc *secretsstorev1.SecretProviderClass) { spc.ResourceVersion = rv }
}

// objects are those that are not nil.
func objects(classes ...*secretsstorev1.SecretProviderClass) []client.Object {
	var objs []client.Object
	for _, c := range classes {
		if c != nil {
			objs = append(objs, c.DeepCopy())
		}
	}
	return objs
}

func TestEnsureClassRewritesSyncedSecrets(t *testing.T) {
	class := classOf("payments", "db")
	c := cluster(t, interceptor.Funcs{}, stored(class, func(spc *secretsstorev1.SecretProviderClass) {
		spc.Spec.SecretObjects = []*secretsstorev1.SecretObject{{SecretName: "copy", Type: "Opaque"}}
	}))
	got, err := ClassWriter{Cached: c, Live: c, Writer: c}.EnsureClass(t.Context(), testNamespace, class)
	if err != nil || got != Rewritten {
		t.Fatalf("EnsureClass = %q, %v", got, err)
	}
	if spc := storedClass(t.Context(), t, c, class.Name); len(spc.Spec.SecretObjects) != 0 {
		t.Error("the class still copies its objects into a Secret")
	}
}

func TestEnsureClassKeepsOthersMetadata(t *testing.T) {
	class := classOf("payments", "db")
	c := cluster(t, interceptor.Funcs{}, stored(class, edited, func(spc *secretsstorev1.SecretProviderClass) {
		spc.Labels["team"] = "payments"
		spc.Annotations = map[string]string{"example.com/note": "keep", annotation.UnusedSince: markAt(testNow)}
	}))
	if _, err := (ClassWriter{Cached: c, Live: c, Writer: c}).EnsureClass(t.Context(), testNamespace, class); err != nil {
		t.Fatal(err)
	}
	spc := storedClass(t.Context(), t, c, class.Name)
	if diff := cmp.Diff(map[string]string{"team": "payments", annotation.LabelManagedBy: annotation.ManagedBy}, spc.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"example.com/note": "keep"}, spc.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

func TestEnsureClassNeverTouches(t *testing.T) {
	class := classOf("payments", "db")
	var (
		foreign *NotOursError
		going   *BeingDeletedError
	)
	tests := map[string]struct {
		live *secretsstorev1.SecretProviderClass
		want any
	}{
		"another's class at our name":    {stored(class, unlabelled, edited), &foreign},
		"labels stripped, content equal": {stored(class, unlabelled), &foreign},
		"another's label": {stored(class, func(spc *secretsstorev1.SecretProviderClass) {
			spc.Labels = map[string]string{annotation.LabelManagedBy: "Helm"}
		}), &foreign},
		"being deleted": {stored(class, finalized), &going},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var made calls
			c := cluster(t, counting(&made), tc.live)
			_, err := ClassWriter{Cached: c, Live: c, Writer: c}.EnsureClass(t.Context(), testNamespace, class)
			if !errors.As(err, tc.want) {
				t.Fatalf("got error %v, want %T", err, tc.want)
			}
			if !Refusal(err) {
				t.Error("the user would not hear of it")
			}
			if diff := cmp.Diff([]string{"get", "get"}, made.names); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnsureClassWritesNothingUnderAnothersName(t *testing.T) {
	var made calls
	c := cluster(t, counting(&made))
	forged := with(classOf("payments", "db"), "keyvaultName", "somebody-elses")
	if _, err := (ClassWriter{Cached: c, Live: c, Writer: c}).EnsureClass(t.Context(), testNamespace, forged); err == nil {
		t.Fatal("a content that does not hash to its name was written")
	}
	if diff := cmp.Diff([]string{"get"}, made.names); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestEnsureClassRaces(t *testing.T) {
	class := classOf("payments", "db")
	tests := map[string]struct {
		live *secretsstorev1.SecretProviderClass
		// meanwhile happens just before the first write reaches the API server.
		meanwhile func(context.Context, client.Client) error
		want      string
	}{
		"another replica creates it first": {
			meanwhile: func(ctx context.Context, c client.Client) error { return c.Create(ctx, stored(class)) },
			want:      Unchanged,
		},
		"somebody creates it first with another content": {
			meanwhile: func(ctx context.Context, c client.Client) error { return c.Create(ctx, stored(class, edited)) },
			want:      Rewritten,
		},
		"the collector deletes it before the mark is off": {
			live: stored(class, markAgo(time.Hour)),
			meanwhile: func(ctx context.Context, c client.Client) error {
				return c.Delete(ctx, stored(class))
			},
			want: Created,
		},
		"another replica takes the mark off first": {
			live: stored(class, markAgo(time.Hour)),
			meanwhile: func(ctx context.Context, c client.Client) error {
				return patchMark(ctx, c, storedClass(ctx, t, c, class.Name), "")
			},
			want: Unchanged,
		},
		"another replica rewrites it first": {
			live: stored(class, edited),
			meanwhile: func(ctx context.Context, c client.Client) error {
				spc := storedClass(ctx, t, c, class.Name)
				spc.Spec = class.Object(testNamespace).Spec
				return c.Update(ctx, spc)
			},
			want: Unchanged,
		},
		"it is deleted before it is rewritten": {
			live:      stored(class, edited),
			meanwhile: func(ctx context.Context, c client.Client) error { return c.Delete(ctx, stored(class)) },
			want:      Created,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			happened := false
			live := cluster(t, beforeWrites(func(ctx context.Context, api client.Client) error {
				if happened {
					return nil
				}
				happened = true
				return tc.meanwhile(ctx, api)
			}), objects(tc.live)...)
			w := ClassWriter{Cached: cluster(t, interceptor.Funcs{}, objects(tc.live)...), Live: live, Writer: live}

			got, err := w.EnsureClass(t.Context(), testNamespace, class)
			if err != nil {
				t.Fatal(err)
			}
			if !happened || got != tc.want {
				t.Errorf("did %q, want %q (raced: %t)", got, tc.want, happened)
			}
			if spc := storedClass(t.Context(), t, live, class.Name); spc == nil || !settled(spc, class) {
				t.Errorf("the class is not as it should be: %v", spc)
			}
		})
	}
}

// beforeWrites calls race before each write.
func beforeWrites(race func(context.Context, client.Client) error) interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(ctx context.Context, api client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if err := race(ctx, api); err != nil {
				return err
			}
			return api.Create(ctx, obj, opts...)
		},
		Update: func(ctx context.Context, api client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			if err := race(ctx, api); err != nil {
				return err
			}
			return api.Update(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, api client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if err := race(ctx, api); err != nil {
				return err
			}
			return api.Patch(ctx, obj, patch, opts...)
		},
	}
}

func TestEnsureClassGivesUp(t *testing.T) {
	class := classOf("payments", "db")
	attempts := 0
	live := cluster(t, interceptor.Funcs{
		Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error {
			attempts++
			return conflict(class.Name)
		},
	}, stored(class, edited))
	_, err := ClassWriter{Cached: live, Live: live, Writer: live}.EnsureClass(t.Context(), testNamespace, class)
	if !apierrors.IsConflict(err) || Refusal(err) || attempts != 1+ensureAttempts {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
}

func TestEnsureClassSurvivesItsCache(t *testing.T) {
	class := classOf("payments", "db")
	broken := cluster(t, interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return errors.New("the cache is not started")
		},
	})
	live := cluster(t, interceptor.Funcs{})
	if got, err := (ClassWriter{Cached: broken, Live: live, Writer: live}).EnsureClass(t.Context(), testNamespace, class); err != nil || got != Created {
		t.Errorf("EnsureClass = %q, %v", got, err)
	}
}

func conflict(name string) error {
	return apierrors.NewConflict(secretsstorev1.Resource("secretproviderclasses"), name, errors.New("changed"))
}

// A full quota refuses what is there already, as long as the cache has not heard of it.
func TestEnsureClassAgainstAFullQuota(t *testing.T) {
	class := classOf("payments", "db")
	full := interceptor.Funcs{
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			return apierrors.NewForbidden(secretsstorev1.Resource("secretproviderclasses"), class.Name, errors.New("exceeded quota"))
		},
	}
	empty := cluster(t, interceptor.Funcs{})

	there := cluster(t, full, stored(class))
	if got, err := (ClassWriter{Cached: empty, Live: there, Writer: there}).EnsureClass(t.Context(), testNamespace, class); err != nil || got != Unchanged {
		t.Errorf("there: EnsureClass = %q, %v", got, err)
	}
	missing := cluster(t, full)
	if _, err := (ClassWriter{Cached: empty, Live: missing, Writer: missing}).EnsureClass(t.Context(), testNamespace, class); !Refusal(err) {
		t.Errorf("missing: %v is no verdict", err)
	}
}

func TestEnsureClassInANamespaceThatIsGone(t *testing.T) {
	class := classOf("payments", "db")
	attempts := 0
	c := cluster(t, interceptor.Funcs{
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			attempts++
			return apierrors.NewNotFound(corev1.Resource("namespaces"), testNamespace)
		},
	})
	if _, err := (ClassWriter{Cached: c, Live: c, Writer: c}).EnsureClass(t.Context(), testNamespace, class); !apierrors.IsNotFound(err) || Refusal(err) || attempts > 2 {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
}
