package rights_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// probe is one right, and what it is for.
type probe struct {
	right string
	// listed has the program read lists in pages, as from an API server that does not stream them.
	listed bool
	// fresh restarts the program without the right, and again is if it has to be restarted to see that it has the right again.
	fresh, again bool
	// once is set if the program asks once, and tries it much later.
	once bool
	// before makes what needs all rights, and prepare what works looks at, when the right is taken and the program that is to miss it not started.
	before, prepare func()
	// works reports whether what the right is for works. It is called again and again.
	works func() (bool, string)
}

// world is a cluster in which rights are taken from our account.
type world struct {
	*cluster.Cluster
	// t is the test that runs.
	t        *testing.T
	audit    *audit
	roles    []role
	warnings *warnings
	number   int
}

// warnings are those of the last answer.
type warnings struct{ said []string }

func (w *warnings) HandleWarningHeader(_ int, _, text string) { w.said = append(w.said, text) }

// newWorld is a cluster with one replica. install comes between the control plane and the program.
func newWorld(t *testing.T, install func(*cluster.Cluster), args ...string) *world {
	t.Helper()
	c := cluster.Bare(t, controlplane.Options{ExtraAPIServerArgs: []string{auditPolicy(t)}})
	check(t, c.Install(t.Context(), injector.Options{
		OwnCertificates: true, Args: append([]string{"--certificate-ca-pause=1s", "--class-grace-period=1s"}, args...),
	}))
	w := &world{Cluster: c, t: t, audit: &audit{file: c.AuditLog, seen: map[string]*calls{}}, warnings: &warnings{}}
	if install != nil {
		install(c)
	}
	config := rest.CopyConfig(c.Config)
	config.WarningHandler = w.warnings
	api, err := client.NewWithWatch(config, client.Options{Scheme: cluster.Scheme()})
	check(t, err)
	c.API = api
	w.roles = rolesOf(t, api)
	c.Namespace(t, "shop", map[string]string{annotation.Vault: "payments-kv", annotation.ServiceAccount: cluster.Account})
	check(t, api.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: bareAccount}}))
	return w
}

// try takes the right of a probe away and gives it back.
func (w *world) try(t *testing.T, p *probe) {
	t.Helper()
	w.t = t
	// Refused twice, it was tried again, and did no good.
	refusals := w.audit.of(t, p.right).refused + 2
	if p.once {
		refusals--
	}
	replica := w.Injector.Replicas()[0]
	if p.before != nil {
		p.before()
	}
	if p.fresh {
		w.stop(t)
	}
	leave(t, w.API, w.roles, p.right)
	if p.prepare != nil {
		p.prepare()
	}
	start := func() {
		t.Helper()
		w.Injector.SetEnv()
		if p.listed {
			w.Injector.SetEnv("KUBE_FEATURE_WatchListClient=false")
		}
		check(t, w.Injector.StartReplica(t.Context(), replica))
		w.Injector.Offer()
	}
	if p.fresh {
		start()
	}
	await.Poll{Limit: time.Minute, Every: 100 * time.Millisecond}.Require(t, "to miss the right to "+p.right, func(context.Context) (bool, string) {
		works, said := p.works()
		is := w.audit.of(t, p.right)
		return !works && is.refused >= refusals, fmt.Sprintf("works: %t; %s; refused %d of %d times", works, said, is.refused, refusals)
	})
	if p.again {
		w.stop(t)
	}
	leave(t, w.API, w.roles)
	if p.again {
		start()
	}
	await.Poll{Limit: 2 * time.Minute, Every: 100 * time.Millisecond}.Require(t, "to have the right to "+p.right+" again", func(context.Context) (bool, string) { return p.works() })
}

// stop ends the program, and nobody leads. One that is ended in the moment in which it takes a lease does not give that back.
func (w *world) stop(t *testing.T) {
	t.Helper()
	check(t, w.Injector.StopReplica(w.Injector.Replicas()[0]))
	check(t, w.API.DeleteAllOf(t.Context(), &coordinationv1.Lease{}, client.InNamespace(injector.Namespace)))
}

// name is one that nothing else has.
func (w *world) name(kind string) string {
	w.number++
	return fmt.Sprintf("%s-%d", kind, w.number)
}

// says creates nothing, and returns the warnings about a pod that asks.
func (w *world) says() string {
	w.warnings.said = nil
	if err := w.API.Create(w.t.Context(), cluster.Pod("shop", w.name("asks"), w.name("secret")), client.DryRunAll); err != nil {
		return err.Error()
	}
	return strings.Join(w.warnings.said, "\n")
}

// all tries probes one after the other.
func (w *world) all(t *testing.T, probes []probe) {
	t.Helper()
	for i := range probes {
		p := &probes[i]
		if !t.Run(p.right, func(t *testing.T) { w.try(t, p) }) {
			return // the program may be anything now
		}
	}
}
