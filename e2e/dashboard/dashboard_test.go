package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/dashboard"
	"akv-injector/e2e/load"
	"akv-injector/e2e/prometheus"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/suite"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

func TestMain(m *testing.M) {
	sandbox.Main(m, func(ctx context.Context) error {
		if err := system.PrepareCurrent(ctx, os.Stderr); err != nil {
			return err
		}
		_, err := build.Tool(ctx, os.Stderr, prometheus.Tool)
		return err
	})
}

const (
	// scrape is short, so that the test is.
	scrape = 2 * time.Second
	// asked is how soon pods want a new version, and gate how often the driver looks.
	asked, gate = 10 * time.Second, 10 * time.Second
	namespace   = "load"
	foreign     = "payments-kv" // of which the load asks for objects
	perSecond   = 10
)

// mayBeZero are panels that show nothing but zero while all is well.
var mayBeZero = map[string]bool{"Vaults left alone": true}

// TestDashboard has a real Prometheus read two replicas that have all kinds of work, and asks it for each query of the chart's dashboard: each has
// lines, and each panel something to show. The chart's alerts can be evaluated. With AKV_DASHBOARD, the name of a file, it goes on for as long as
// AKV_DASHBOARD_FOR says, and draws the page there.
func TestDashboard(t *testing.T) {
	sandbox.Require(t)
	var least time.Duration
	if text := os.Getenv("AKV_DASHBOARD_FOR"); text != "" {
		var err error
		least, err = time.ParseDuration(text)
		check(t, err)
	}
	s, err := system.Start(t.Context(), system.Options{
		PollInterval: gate, SyncFrequency: time.Minute, Replicas: 2, InjectorIdentity: true, InjectorArgs: []string{"--vault-checks=warn"}, Log: t.Output(),
	})
	check(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.Explain("shop", errors.New("at the time of the failure")))
			for _, r := range s.Injector.Replicas() {
				metrics, err := r.Metrics(context.WithoutCancel(t.Context()))
				t.Log(r.Log(), err)
				for line := range strings.Lines(metrics) {
					if strings.HasPrefix(line, "akv_injector_") && !strings.Contains(line, "_bucket") {
						t.Log(strings.TrimSpace(line))
					}
				}
			}
		}
		check(t, s.Stop())
	})
	// The replicas start again, with the limit that the chart gives them.
	t.Setenv("GOMEMLIMIT", "460MiB")
	check(t, s.Injector.TakeOwnCertificates(t.Context()))

	page, err := dashboard.Read()
	check(t, err)
	alerts, err := dashboard.Alerts()
	check(t, err)
	var targets []string
	for _, r := range s.Injector.Replicas() {
		targets = append(targets, r.MetricsAddress())
	}
	p, err := prometheus.Start(t.Context(), prometheus.Options{Dir: t.TempDir(), Job: "akv-injector", Targets: targets, Rules: alerts, Interval: scrape})
	check(t, err)
	t.Cleanup(func() { check(t, p.Stop()) })
	begun := time.Now()

	// Vaults are asked for objects of namespaces that are fenced. This one akv-injector may not read.
	_, err = s.Azure.CreateVault("", foreign)
	check(t, err)
	fence := map[string]string{annotation.AllowedVaults: foreign}
	check(t, s.CreateNamespace(t.Context(), namespace, map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}, fence))
	check(t, s.API.Create(t.Context(), cluster.ServiceAccount(namespace)))
	l, err := load.Start(t.Context(), s.Config, namespace, perSecond)
	check(t, err)
	t.Cleanup(l.Stop)
	work(t, s, begun.Add(least))

	// A rate needs some readings.
	var lines [][][]dashboard.Series
	var period dashboard.Period
	await.Poll{Limit: 2 * time.Minute, Every: time.Second}.Require(t, "each panel to have something to show", func(ctx context.Context) (bool, string) {
		period = dashboard.Period{Range: prometheusv1.Range{Start: begun, End: time.Now(), Step: max(scrape, time.Since(begun)/200).Round(time.Second)}, Scrape: scrape}
		var missing []string
		lines, missing = shown(ctx, page, p, period)
		return len(missing) == 0, strings.Join(missing, "; ")
	})
	alertsWork(t, p)
	series := 0
	for _, panel := range lines {
		for _, target := range panel {
			series += len(target)
		}
	}
	suite.Measure(t, "the dashboard's %d panels show %d lines of a real Prometheus", len(page.Panels), series)
	if name := os.Getenv("AKV_DASHBOARD"); name != "" {
		check(t, os.WriteFile(name, page.Draw(lines, period), 0o644))
	}
}

// work gives akv-injector all kinds of it until the time has come, and once in any case.
func work(t *testing.T, s *system.System, until time.Time) {
	t.Helper()
	const pods, object = 3, "DB-Password"
	tenant, err := s.NewTenant(t.Context(), "shop")
	check(t, err)
	check(t, s.GrantInjector(tenant.Vault))
	fence := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, annotation.AllowedVaults, tenant.Vault)
	check(t, s.API.Patch(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tenant.Namespace}}, client.RawPatch(types.MergePatchType, []byte(fence))))
	value := "value 0"
	_, err = tenant.SetSecret(object, value)
	check(t, err)
	var class string
	for i := range pods {
		pod := tenant.Pod(fmt.Sprintf("pod-%d", i), object)
		pod.Annotations[annotation.RotationPollInterval] = asked.String()
		stored, err := tenant.Run(t.Context(), pod)
		check(t, err)
		class = cluster.Classes(stored)[0]
	}
	for round := 1; ; round++ {
		for i := range pods {
			check(t, tenant.AwaitContent(t.Context(), fmt.Sprintf("pod-%d", i), system.Mounted+"/"+object, value))
		}
		if round > 1 && time.Now().After(until) {
			return
		}
		if round > 1 {
			check(t, load.Pause(t.Context(), 3*asked))
		}
		value = fmt.Sprintf("value %d", round)
		_, err := tenant.SetSecret(object, value)
		check(t, err)
		check(t, s.API.Delete(t.Context(), &secretsstorev1.SecretProviderClass{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: class}}))
		check(t, create(t.Context(), s, tenant.Pod("", object)))
	}
}

// create asks for a pod that nobody wants, for which the vault is asked.
func create(ctx context.Context, s *system.System, pod *corev1.Pod) error {
	pod.GenerateName = "asks-"
	return s.API.Create(ctx, pod, client.DryRunAll)
}

// shown gives the lines of all panels, and what is missing.
func shown(ctx context.Context, page *dashboard.Dashboard, api prometheusv1.API, period dashboard.Period) (lines [][][]dashboard.Series, missing []string) {
	lines = make([][][]dashboard.Series, len(page.Panels))
	for i := range page.Panels {
		panel := &page.Panels[i]
		var err error
		if lines[i], err = panel.Ask(ctx, api, period); err != nil {
			missing = append(missing, err.Error())
			continue
		}
		above := len(panel.Targets) == 0 || mayBeZero[panel.Title]
		for j, target := range lines[i] {
			if len(target) == 0 {
				missing = append(missing, fmt.Sprintf("panel %s: %s gives nothing", panel.Title, panel.Targets[j].Expr))
			}
			for _, line := range target {
				for _, v := range line.Values {
					above = above || v.Value > 0
				}
			}
		}
		if !above {
			missing = append(missing, fmt.Sprintf("panel %s is zero", panel.Title))
		}
	}
	return lines, missing
}

// alertsWork wants Prometheus to have evaluated each alert without an error.
func alertsWork(t *testing.T, api prometheusv1.API) {
	t.Helper()
	found, err := api.Rules(t.Context(), nil)
	check(t, err)
	count := 0
	for _, group := range found.Groups {
		for _, rule := range group.Rules {
			alert, ok := rule.(prometheusv1.AlertingRule)
			if !ok {
				t.Errorf("a rule is a %T", rule)
				continue
			}
			count++
			if alert.Health != prometheusv1.RuleHealthGood {
				t.Errorf("alert %s is %s: %s", alert.Name, alert.Health, alert.LastError)
			}
			if alert.State == "firing" {
				t.Errorf("alert %s fires, and nothing is wrong: %v", alert.Name, alert.Alerts)
			}
		}
	}
	if count < 10 {
		t.Errorf("there are %d alerts, want all of them", count)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
