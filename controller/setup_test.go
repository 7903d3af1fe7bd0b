package controller

import (
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// needing records what is added to a manager, and whether it needs the lead.
type needing struct {
	manager.Manager
	lead []bool
}

func (n *needing) Add(r manager.Runnable) error {
	if e, ok := r.(manager.LeaderElectionRunnable); ok {
		n.lead = append(n.lead, e.NeedLeaderElection())
	}
	return n.Manager.Add(r)
}

// testManager is one that no API server answers. Its mapper knows the classes if
// they are served.
func testManager(t *testing.T, served bool) *needing {
	t.Helper()
	mgr, err := ctrl.NewManager(&rest.Config{Host: "http://127.0.0.1:0", QPS: -1}, ctrl.Options{
		Scheme:  testScheme(t),
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:   CacheOptions(false),
		// Names are unique in a process, not in a manager: -count would not work.
		Controller: config.Controller{SkipNameValidation: new(true)},
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			mapper := meta.NewDefaultRESTMapper(nil)
			mapper.Add(corev1.SchemeGroupVersion.WithKind("Pod"), meta.RESTScopeNamespace)
			mapper.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
			if served {
				mapper.Add(secretsstorev1.SchemeGroupVersion.WithKind("SecretProviderClass"), meta.RESTScopeNamespace)
			}
			return mapper, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &needing{Manager: mgr}
}

func TestSetup(t *testing.T) {
	mgr := testManager(t, true)
	if err := Setup(t.Context(), mgr, Options{Registry: prometheus.NewRegistry()}); err != nil {
		t.Fatal(err)
	}
	// The restorer runs everywhere, the collector on the leader.
	if len(mgr.lead) != 2 || mgr.lead[0] || !mgr.lead[1] {
		t.Errorf("need the lead: %v, want [false true]", mgr.lead)
	}
}

// The program is often installed before the driver: its cache must do without.
func TestCacheNeedsNoCRD(t *testing.T) {
	mgr := testManager(t, false)
	if err := servesClasses(mgr.GetRESTMapper()); !meta.IsNoMatchError(err) {
		t.Errorf("error = %v, want NoMatch", err)
	}
}

func TestOptionsDefaults(t *testing.T) {
	o := Options{}.withDefaults()
	if o.Grace != DefaultGrace || o.Clock == nil || o.Registry == nil {
		t.Errorf("defaults: %+v", o)
	}
	if o := (Options{Grace: time.Second}).withDefaults(); o.Grace != time.Second {
		t.Errorf("grace = %v", o.Grace)
	}
}
