package compare_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/compare"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
)

// createsPerSecond at which the way through the API server is measured too.
const createsPerSecond = 50

// measurePath creates pods of each kind through the real API server, in turns.
func measurePath(t *testing.T, c *cluster.Cluster, rounds, count int, duration time.Duration) *compare.Path {
	t.Helper()
	if err := c.CreateNamespace(t.Context(), "plain", nil, nil); err != nil {
		t.Fatal(err)
	}
	c.CreateAccount(t, "plain")
	kind := func(name, namespace string, asks, identity bool) *compare.Case {
		return &compare.Case{Name: name, Create: func(ctx context.Context, number int) error {
			pod := compare.Pod(namespace, 3)
			pod.Name = fmt.Sprintf("%s-%t-%t-%d", namespace, asks, identity, number)
			pod.Spec.ServiceAccountName = cluster.Account
			if !identity {
				delete(pod.Labels, provider.LabelUseWorkloadIdentity)
				pod.Annotations[annotation.WorkloadIdentityLabel] = "false"
			}
			if asks {
				pod.Annotations[annotation.Objects] = "DB-Password\nAPI-Key"
			} else {
				pod.Annotations = nil
			}
			return c.API.Create(ctx, pod)
		}}
	}
	none, identity := kind("no webhook is called", "plain", false, false), kind("azure-workload-identity alone", "plain", false, true)
	path, begin := compare.NewPath(createsPerSecond), 0
	inTurns := func(cases ...*compare.Case) {
		for round := range rounds {
			for i := range cases {
				if err := path.Round(t.Context(), cases[(i+round)%len(cases)], begin, count, duration); err != nil {
					t.Fatal(err)
				}
				begin += 10_000
			}
		}
	}
	inTurns(none, kind("opted in, asks for nothing", namespace, false, false), identity,
		kind("akv-injector alone: mutation and validation", namespace, true, false), kind("both", namespace, true, true))
	withoutValidation(t, c)
	inTurns(none, identity, kind("akv-injector alone, mutation only", namespace, true, false))
	return path
}

// withoutValidation takes the validating webhooks away, so that the mutating one is measured alone.
func withoutValidation(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if err := c.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Delete(t.Context(), "akv-injector", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	validated := func(ctx context.Context) (lines string, err error) {
		metrics, err := c.Metrics(ctx)
		for line := range strings.Lines(metrics) {
			if strings.HasPrefix(line, "apiserver_admission_webhook_request_total{") && strings.Contains(line, `type="validating"`) {
				lines += line
			}
		}
		return lines, err
	}
	poll := await.Poll{Limit: time.Minute}
	poll.Require(t, "the API server to call no validating webhook", func(ctx context.Context) (bool, string) {
		before, err := validated(ctx)
		if err == nil {
			err = c.API.Create(ctx, cluster.Pod(namespace, "probe", "DB-Password\nAPI-Key"), client.DryRunAll)
		}
		after, failed := validated(ctx)
		return err == nil && failed == nil && before == after, fmt.Sprint(err, failed, after)
	})
}
