package compare_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	admissionv1 "k8s.io/api/admission/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/compare"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/process"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/workloadidentity"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
	"akv-injector/webhook"
	"akv-injector/webhook/narrow"
)

const namespace = "shop"

// server is one that is compared.
type server struct {
	name    string
	process *process.Process
	target  compare.Target
	// validates has the path for validation; empty if it does not validate.
	validates string
	metrics   func(context.Context) (string, error)
}

// TestCompare asks each webhook the same, in turns. Without AKV_COMPARE_ROUNDS it only shows that all of them answer as
// they should, and that the figures are taken; with it, its figures are those of docs/performance.md.
func TestCompare(t *testing.T) {
	rounds, duration, creates := 1, 200*time.Millisecond, 5
	if text := os.Getenv("AKV_COMPARE_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("AKV_COMPARE_ROUNDS is %q, want a number", text)
		}
		rounds, duration, creates = n, 3*time.Second, 100
	}
	if text := os.Getenv("AKV_COMPARE_ROUND"); text != "" {
		var err error
		if duration, err = time.ParseDuration(text); err != nil {
			t.Fatalf("AKV_COMPARE_ROUND: %v", err)
		}
	}
	c := cluster.Bare(t, controlplane.Options{})
	c.Namespace(t, namespace, map[string]string{annotation.Vault: "payments-kv", annotation.ServiceAccount: cluster.Account})
	asked := reviewsOf(t, c)
	if err := c.Install(t.Context(), injector.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := c.API.Create(t.Context(), &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName},
		Spec: storagev1.CSIDriverSpec{
			AttachRequired: new(false), PodInfoOnMount: new(true), RequiresRepublish: new(true), VolumeLifecycleModes: []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecycleEphemeral},
			TokenRequests: []storagev1.TokenRequest{{Audience: workloadidentity.Audience}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	// The class is used, as that of a workload that runs.
	c.Create(t, cluster.Pod(namespace, "running", "DB-Password\nAPI-Key"))
	servers := start(t, c)
	identity, ours := servers[len(servers)-2], servers[len(servers)-1]

	report := &compare.Report{Rounds: rounds, Duration: duration}
	for _, reviews := range asked {
		back := returned(t, identity, ours, reviews)
		for _, s := range servers {
			if s.name == vaultName {
				wantVault(t, ask(t, s, s.target.Path, reviews))
			}
		}
		for round := range rounds {
			for i := range servers {
				s := servers[(i+round)%len(servers)]
				report.Add(measure(t, s, s.target.Path, "mutate", reviews, duration))
				if s.validates != "" {
					report.Add(measure(t, s, s.validates, "validate", back, duration))
				}
			}
		}
	}
	for _, s := range servers {
		peak, err := s.process.PeakMemory()
		if err != nil {
			t.Fatal(err)
		}
		report.Peak(s.name, peak)
	}
	report.Path = measurePath(t, c, rounds, creates, duration)
	t.Log("\n" + report.Text())
	if out := os.Getenv("AKV_COMPARE_OUT"); out != "" {
		if err := report.Write(out); err != nil {
			t.Fatal(err)
		}
	}
}

// reviewsOf are reviews of pods as the real API server asks about them: with its defaults, and who manages what.
func reviewsOf(t *testing.T, c *cluster.Cluster) (all []*compare.Reviews) {
	t.Helper()
	for _, shape := range []struct {
		name       string
		containers int
	}{{"small", 1}, {"typical", 3}, {"large", 20}} {
		pod := compare.Pod(namespace, shape.containers)
		maps.Copy(pod.Annotations, vaultAnnotations)
		pod.Annotations[annotation.Objects] = "DB-Password\nAPI-Key"
		pod.Spec.ServiceAccountName = cluster.Account
		stored, err := c.Client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: "kube-controller-manager"})
		if err != nil {
			t.Fatal(err)
		}
		stored.Kind, stored.APIVersion = "Pod", "v1"
		stored.UID = ""
		raw, err := json.Marshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		reviews, err := compare.NewReviews(shape.name, raw, namespace)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("a review of the %s pod has %d bytes", shape.name, reviews.Size(0))
		readAtOnce(t, reviews)
		all = append(all, reviews)
	}
	return all
}

// readAtOnce checks that nothing in what the real API server sends makes akv-injector read it the long way.
func readAtOnce(t *testing.T, reviews *compare.Reviews) {
	t.Helper()
	review := reviews.Append(nil, 1)
	if _, _, ok := narrow.Review(review, narrow.Limits{Elements: len(review), Fields: len(review)}, func(string) bool { return true }); !ok {
		t.Errorf("the review of the %s pod is not read in one pass: %s", reviews.Name, review)
	}
}

// returned are the reviews as they come back for validation: with what the mutating webhooks have patched.
func returned(t *testing.T, identity, ours *server, reviews *compare.Reviews) *compare.Reviews {
	t.Helper()
	back := reviews
	for _, s := range []*server{identity, ours} {
		asked := ask(t, s, s.target.Path, back)
		if len(asked.Response.Patch) == 0 {
			t.Fatalf("%s patches nothing into the %s pod: %+v", s.name, reviews.Name, asked.Response)
		}
		patch, err := jsonpatch.DecodePatch(asked.Response.Patch)
		if err != nil {
			t.Fatal(err)
		}
		if back, err = back.Patched(patch.Apply); err != nil {
			t.Fatal(err)
		}
	}
	readAtOnce(t, back)
	if answer := ask(t, ours, ours.validates, back); !answer.Response.Allowed || len(answer.Response.Warnings) > 0 {
		t.Fatalf("the %s pod is not fine when it comes back: %+v", reviews.Name, answer.Response)
	}
	return back
}

func ask(t *testing.T, s *server, path string, reviews *compare.Reviews) *admissionv1.AdmissionReview {
	t.Helper()
	target := s.target
	target.Path = path
	body, err := compare.Ask(t.Context(), &target, reviews, 1)
	if err != nil {
		t.Fatal(err)
	}
	answer := &admissionv1.AdmissionReview{}
	if err := json.Unmarshal(body, answer); err != nil || answer.Response == nil {
		t.Fatalf("%s answers %s: %v", s.name, body, err)
	}
	return answer
}

const connections = 16

func measure(t *testing.T, s *server, path, what string, reviews *compare.Reviews, duration time.Duration) compare.Figures {
	t.Helper()
	target := s.target
	target.Path = path
	load := compare.Load{Reviews: reviews, Connections: connections, Duration: duration}
	before, err := s.process.CPU()
	if err != nil {
		t.Fatal(err)
	}
	allocatedBefore := allocated(t, s)
	full, err := compare.Put(t.Context(), &target, load)
	if err != nil {
		t.Fatal(err)
	}
	after, err := s.process.CPU()
	if err != nil {
		t.Fatal(err)
	}
	memory := allocated(t, s).Since(allocatedBefore)
	load.Rate = float64(full.Count) / full.Elapsed.Seconds() / 2
	half, err := compare.Put(t.Context(), &target, load)
	if err != nil {
		t.Fatal(err)
	}
	return compare.Figures{Server: s.name, Size: reviews.Name, Bytes: reviews.Size(0), What: what, CPU: after - before, Allocated: memory, Full: full, Half: half}
}

// allocated is what a server has allocated since it was started.
func allocated(t *testing.T, s *server) compare.Memory {
	t.Helper()
	metrics, err := s.metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	memory, err := compare.ReadMemory(metrics)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return memory
}

// start starts what is compared: the references first, ours last.
func start(t *testing.T, c *cluster.Cluster) []*server {
	t.Helper()
	ca, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	var servers []*server
	for _, mode := range []string{"constant", "decode"} {
		servers = append(servers, reference(t, c, ca, mode))
	}
	identity, err := workloadidentity.Start(t.Context(), c.ControlPlane, workloadidentity.Options{TenantID: cluster.TenantID, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := identity.Stop(); err != nil {
			t.Error(err)
		}
	})
	replica := c.Injector.Replicas()[0]
	if sandbox.Inside() {
		servers = append(servers, vault(t, c, ca))
	} else {
		t.Log("vault-k8s is not compared: it reads its credentials from a path that only a sandbox can have")
	}
	servers = append(servers,
		&server{name: "azure-workload-identity 1.6.0", process: identity.Process(), target: compare.Target{Address: identity.Address(), Path: workloadidentity.MutatePath, CA: ca}, metrics: identity.Metrics},
		&server{name: "akv-injector", process: replica.Process(), target: compare.Target{Address: replica.Address(), Path: webhook.MutatePath, CA: ca}, validates: webhook.ValidatePath, metrics: replica.Metrics})
	return servers
}

// reference starts a reference-webhook.
func reference(t *testing.T, c *cluster.Cluster, ca []byte, mode string) *server {
	t.Helper()
	program, err := build.Own(t.Context(), t.Output(), "./cmd/reference-webhook")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := c.ServingCertificate("reference-"+mode, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if err := os.WriteFile(cert, pair.Cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, pair.Key, 0o600); err != nil {
		t.Fatal(err)
	}
	number, release, err := controlplane.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	s := &server{name: map[string]string{"constant": "limit: a constant answer", "decode": "floor: controller-runtime, decodes"}[mode]}
	s.target = compare.Target{Address: fmt.Sprintf("127.0.0.1:%d", number), Path: "/mutate", CA: ca}
	s.process, err = process.Start(process.Spec{
		Name: "reference-webhook", Path: program, Log: filepath.Join(c.Dir, "logs", "reference-"+mode+".log"),
		Args: []string{"-address=" + s.target.Address, "-cert=" + cert, "-key=" + key, "-mode=" + mode},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.process.Stop(time.Second) })
	s.validates = "/validate"
	s.metrics = func(ctx context.Context) (string, error) { return compare.Metrics(ctx, &s.target) }
	if err := s.process.AwaitReady(t.Context(), await.Poll{Limit: 30 * time.Second}, func(ctx context.Context) error {
		return compare.Reach(ctx, &s.target)
	}); err != nil {
		t.Fatal(err)
	}
	return s
}
