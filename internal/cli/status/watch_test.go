package status

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"akv-injector/internal/testing/await"
)

// A change in the cluster is seen long before the interval is over, and the end is no error.
func TestWatch(t *testing.T) {
	s, client := serve(t, everything())
	reader := &fakeReader{answer: states("p2", "p1")}
	source := &Source{
		Cluster: &Cluster{Client: client, Scope: Scope{Namespace: "shop"}},
		Vaults:  &Vaults{Reader: reader, Timeout: time.Minute, MaxAge: time.Hour}, Now: func() time.Time { return noon },
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reports := make(chan *Report)
	ended := make(chan error)
	go func() {
		ended <- source.Watch(ctx, time.Hour, func(r *Report) error {
			reports <- r
			return nil
		}, func(err error) { t.Error(err) })
	}()
	verdict := func(r *Report) string {
		for _, i := range r.Items {
			if i.Object == "secret/DB-Password" {
				return string(i.Status)
			}
		}
		return ""
	}
	got := []string{verdict(<-reports)}
	await.Poll{Limit: time.Minute, Every: time.Millisecond}.Require(t, "two watches", func(context.Context) (bool, string) {
		n := s.Watched()
		return n == 2, fmt.Sprint(n)
	})
	after := record("secret/DB-Password=p2")
	s.Replace(t, after)
	s.Tell(t, after)
	got = append(got, verdict(<-reports))
	if diff := cmp.Diff([]string{"stale", "current"}, got); diff != "" {
		t.Error(diff)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, asked := range s.Asked() {
		if !strings.HasPrefix(asked, "GET ") {
			t.Error("not a read:", asked)
		}
	}
}

// The first look must succeed; what fails later is told, and tried again.
func TestWatchErrors(t *testing.T) {
	s, client := serve(t, everything())
	source := &Source{Cluster: &Cluster{Client: client}, Vaults: &Vaults{}}
	s.Forbid("pods")
	if err := source.Watch(t.Context(), time.Hour, nil, nil); err == nil {
		t.Error("no error, and no right")
	}
	s.Forbid()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := 0
	err := source.Watch(ctx, time.Second, func(*Report) error {
		told++
		s.Forbid("pods")
		if told == 2 {
			cancel()
		}
		return nil
	}, func(error) { s.Forbid() })
	if err != nil || told != 2 {
		t.Errorf("%d reports, %v", told, err)
	}
}

// Only what concerns secrets is worth a look.
func TestWorthALook(t *testing.T) {
	object := func(text string) runtime.Object {
		var o map[string]any
		read(t, text, &o)
		return &unstructured.Unstructured{Object: o}
	}
	other := strings.ReplaceAll(podYAML, "secrets-store.csi.k8s.io", "file.csi.azure.com")
	for name, c := range map[string]struct {
		event watch.Event
		isPod bool
		want  bool
	}{
		"a pod with secrets":          {watch.Event{Type: watch.Modified, Object: object(podYAML)}, true, true},
		"its end":                     {watch.Event{Type: watch.Deleted, Object: object(podYAML)}, true, true},
		"a pod without":               {watch.Event{Type: watch.Modified, Object: object(other)}, true, false},
		"a record":                    {watch.Event{Type: watch.Modified, Object: object(record())}, false, true},
		"a bookmark":                  {watch.Event{Type: watch.Bookmark, Object: object(podYAML)}, true, false},
		"an error":                    {watch.Event{Type: watch.Error, Object: &metav1.Status{}}, false, false},
		"an error where a pod is due": {watch.Event{Type: watch.Error, Object: &metav1.Status{}}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := worthALook(c.event, c.isPod); got != c.want {
				t.Error(got)
			}
		})
	}
}

func TestQuiet(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{0: time.Second, 100 * time.Millisecond: time.Second, 10 * time.Second: 40 * time.Second} {
		if got := quiet(took); got != want {
			t.Errorf("quiet(%s) = %s, want %s", took, got, want)
		}
	}
}
