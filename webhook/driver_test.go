package webhook

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/provider"
)

func daemonSet(name string, args ...string) *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: DefaultDriverNamespace, Name: name, Labels: map[string]string{"app": name}},
		Spec: appsv1.DaemonSetSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			NodeSelector: map[string]string{corev1.LabelOSStable: "linux"},
			Volumes:      []corev1.Volume{{Name: "v"}},
			Containers:   []corev1.Container{{Name: "c", Image: "x/driver:v1.6.0", Args: args, Env: []corev1.EnvVar{{Name: "A"}}}},
		}}},
	}
}

func flagged() *appsv1.DaemonSet {
	return daemonSet("driver", "--provider-volume=/p", "--enable-secret-rotation=true", "--rotation-poll-interval=30s")
}

// driverCache holds DaemonSets as the cache's transform leaves them.
type driverCache struct {
	informer    informer
	informerErr error
	sets        []*appsv1.DaemonSet
	err         error
}

type informer struct {
	cache.Informer
	synced   bool
	handlers *[]toolscache.ResourceEventHandler
}

func (i informer) HasSynced() bool { return i.synced }

func (i informer) AddEventHandler(handler toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	if i.handlers != nil {
		*i.handlers = append(*i.handlers, handler)
	}
	return nil, nil
}

func (c driverCache) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	return c.informer, c.informerErr
}

func (c driverCache) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	for _, set := range c.sets {
		kept, err := driverTransform(set)
		if err != nil {
			return err
		}
		list.(*appsv1.DaemonSetList).Items = append(list.(*appsv1.DaemonSetList).Items, *kept.(*appsv1.DaemonSet))
	}
	return c.err
}

func TestDriverFlags(t *testing.T) {
	synced := informer{synced: true}
	cases := map[string]struct {
		cache driverCache
		want  *provider.Driver
		logs  string
	}{
		"the driver": {
			cache: driverCache{informer: synced, sets: []*appsv1.DaemonSet{daemonSet("other", "--rotation-poll-interval=1s"), flagged()}},
			want:  &provider.Driver{Version: "1.6.0", Rotation: true, PollInterval: 30 * time.Second},
		},
		"none":       {cache: driverCache{informer: synced}},
		"not filled": {cache: driverCache{}, logs: "not filled"},
		"no cache":   {cache: driverCache{informerErr: errors.New("stopped")}, logs: "no cache"},
		"no answer":  {cache: driverCache{informer: synced, err: errTimeout}, logs: "does not answer"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			logs := &logLines{}
			flags := DriverFlags(c.cache, DefaultDriverNamespace, logs.logger())
			for range 2 {
				if diff := cmp.Diff(c.want, flags(t.Context())); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			// What lasts is told once.
			if want := min(len(c.logs), 1); len(logs.lines) != want || !strings.Contains(logs.all(), c.logs) {
				t.Errorf("log %q, want %q", logs.lines, c.logs)
			}
		})
	}
}

// Flags are read once for each change, and after it.
func TestDriverFlagsChange(t *testing.T) {
	var handlers []toolscache.ResourceEventHandler
	c := &countingDriverCache{driverCache: driverCache{informer: informer{synced: true, handlers: &handlers}}}
	flags := DriverFlags(c, DefaultDriverNamespace, logr.Discard())
	want := func(driver *provider.Driver, lists int) {
		t.Helper()
		for range 3 {
			if diff := cmp.Diff(driver, flags(t.Context())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		if c.lists != lists {
			t.Errorf("listed %d times, want %d", c.lists, lists)
		}
	}
	want(nil, 1)
	if len(handlers) != 1 {
		t.Fatalf("%d handlers, want 1", len(handlers))
	}
	c.sets = []*appsv1.DaemonSet{flagged()}
	want(nil, 1)
	handlers[0].OnAdd(flagged(), false)
	want(&provider.Driver{Version: "1.6.0", Rotation: true, PollInterval: 30 * time.Second}, 2)
	c.sets[0].Spec.Template.Spec.Containers[0].Args = []string{"--provider-volume=/p"}
	handlers[0].OnUpdate(flagged(), c.sets[0])
	want(&provider.Driver{Version: "1.6.0", PollInterval: 2 * time.Minute}, 3)
	c.sets = nil
	handlers[0].OnDelete(flagged())
	want(nil, 4)
}

type countingDriverCache struct {
	driverCache
	lists int
}

func (c *countingDriverCache) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	c.lists++
	return c.driverCache.List(ctx, list, opts...)
}

func TestDriverTransform(t *testing.T) {
	got, err := driverTransform(daemonSet("other", "--x"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: DefaultDriverNamespace, Name: "other"}}, got); diff != "" {
		t.Errorf("another's (-want +got):\n%s", diff)
	}
	once, err := driverTransform(flagged())
	if err != nil {
		t.Fatal(err)
	}
	again, err := driverTransform(once)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once, again); diff != "" {
		t.Errorf("not stable (-once +twice):\n%s", diff)
	}
}
