package certificates_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/internal/certificates"
	"akv-injector/internal/testing/await"
)

func TestMain(m *testing.M) {
	cluster.WithHelm(m, injector.Options{Replicas: 2}, build.CertManager)
}

// pause is that before a CA signs. One API server hears of a change within milliseconds.
const pause = time.Second

const configuration = "akv-injector"

// start has two replicas, which started at once, with an empty Secret and webhook configurations without a CA.
func start(t *testing.T) *cluster.Cluster {
	t.Helper()
	c := cluster.Start(t, controlplane.Options{}, injector.Options{Replicas: 2, OwnCertificates: true, Args: []string{"--certificate-ca-pause=" + pause.String()}})
	c.Namespace(t, "shop", map[string]string{annotation.Vault: "payments-kv", annotation.ServiceAccount: cluster.Account})
	return c
}

func secretOf(t *testing.T, c *cluster.Cluster) *corev1.Secret {
	t.Helper()
	secret, err := c.Client.CoreV1().Secrets(injector.Namespace).Get(t.Context(), injector.CertificateSecret, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// load creates pods and asks for handshakes until stop, and counts what fails.
type load struct {
	creates, handshakes, failed atomic.Int64
	mu                          sync.Mutex
	first                       string
	stop                        func()
}

func (l *load) fail(err error) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == "" {
		l.first = err.Error()
	}
}

func startLoad(t *testing.T, c *cluster.Cluster) *load {
	t.Helper()
	l := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for ctx.Err() == nil {
				pod := cluster.Pod("shop", "asks", "DB-Password")
				err := c.API.Create(ctx, pod, client.DryRunAll)
				switch {
				case ctx.Err() != nil:
				case err != nil:
					l.fail(err)
				case pod.Labels[annotation.LabelInjected] != "true":
					l.fail(fmt.Errorf("a pod that asks was admitted as it was"))
				default:
					l.creates.Add(1)
				}
			}
		})
	}
	// The API server keeps its connections. Another one, with what it has read of the CA, would make new ones.
	running.Go(func() {
		for ctx.Err() == nil {
			err := handshake(ctx, c)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				l.fail(err)
			default:
				l.handshakes.Add(1)
			}
		}
	})
	l.stop = func() { cancel(); running.Wait() }
	t.Cleanup(l.stop)
	return l
}

// handshake reads a CA bundle as an API server does, and is late with it.
func handshake(ctx context.Context, c *cluster.Cluster) error {
	hook, err := c.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, configuration, metav1.GetOptions{})
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(hook.Webhooks[0].ClientConfig.CABundle)
	const late = 3
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause / late):
	}
	for range c.Injector.Replicas() {
		conn, err := (&tls.Dialer{NetDialer: &net.Dialer{}, Config: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}}).DialContext(ctx, "tcp", c.Injector.Address())
		if err != nil {
			return err
		}
		_ = conn.Close()
	}
	return nil
}

// rotate asks for a certificate or a CA, and waits until it is there.
func rotate(t *testing.T, c *cluster.Cluster, what string) {
	t.Helper()
	was := secretOf(t, c)
	if err := injector.AskForCertificate(t.Context(), c.Client, what); err != nil {
		t.Fatal(err)
	}
	await.Poll{Limit: time.Minute, Every: 2 * time.Millisecond}.Require(t, what, func(context.Context) (bool, string) {
		is := secretOf(t, c)
		done := is.Annotations[certificates.AnnotationRotated] == what && !bytes.Equal(is.Data["tls.crt"], was.Data["tls.crt"])
		if strings.HasPrefix(what, "ca") {
			done = done && !bytes.Equal(is.Data["ca.crt"], was.Data["ca.crt"])
		}
		return done, fmt.Sprint(is.Annotations)
	})
}

// TestRotations: a thousand certificates and twenty CAs, while pods are created without a pause, and not one is refused.
func TestRotations(t *testing.T) {
	c := start(t)
	l := startLoad(t, c)
	const leaves, cas = 980, 20
	for i := range leaves + cas {
		what := "leaf"
		if i%(leaves/cas) == 0 && i/(leaves/cas) < cas {
			what = "ca"
		}
		rotate(t, c, fmt.Sprintf("%s %d", what, i))
	}
	l.stop()
	t.Logf("%d certificates and %d CAs: %d pods, %d times two handshakes, %d failed", leaves, cas, l.creates.Load(), l.handshakes.Load(), l.failed.Load())
	if l.failed.Load() > 0 || l.creates.Load() < 100 || l.handshakes.Load() < 10 {
		t.Errorf("first: %s", l.first)
	}
}

// TestHarm: somebody takes the CA out of the webhook configurations, applies them again, writes a CA of theirs beside it, or empties the Secret.
// It is mended, and what is served is trusted all the while but for the first.
func TestHarm(t *testing.T) {
	c := start(t)
	hooks := c.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	bundle := func() []byte {
		hook, err := hooks.Get(t.Context(), configuration, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return hook.Webhooks[0].ClientConfig.CABundle
	}
	patch := func(bundle []byte) {
		t.Helper()
		hook, err := hooks.Get(t.Context(), configuration, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		hook.Webhooks[0].ClientConfig.CABundle = bundle
		if _, err := hooks.Update(t.Context(), hook, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	poll := await.Poll{Limit: 30 * time.Second}
	whole := bundle()
	if err := c.Injector.ApplyAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bundle(), whole) {
		t.Error("applying the manifests again takes the CA away")
	}
	patch(nil)
	poll.Require(t, "the CA, written again", func(context.Context) (bool, string) { return bytes.Equal(bundle(), whole), "" })

	l := startLoad(t, c)
	other, err := c.ServingCertificate("other", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	patch(append(bytes.Clone(whole), other.Cert...))
	poll.Require(t, "a CA of others, kept for a while", func(context.Context) (bool, string) {
		return bytes.Contains(secretOf(t, c).Data["old-ca.crt"], other.Cert), string(bundle())
	})
	rotate(t, c, "ca now")

	secret := secretOf(t, c)
	leaf := secret.Data["tls.crt"]
	secret.Data = nil
	if _, err := c.Client.CoreV1().Secrets(injector.Namespace).Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	poll.Require(t, "a certificate, made again", func(context.Context) (bool, string) {
		made := secretOf(t, c).Data["tls.crt"]
		return len(made) > 0 && !bytes.Equal(made, leaf), ""
	})
	for _, r := range c.Injector.Replicas() {
		if ready, answer := r.Ready(t.Context()); !ready {
			t.Errorf("not ready: %s", answer)
		}
	}
	l.stop()
	if l.failed.Load() > 0 {
		t.Errorf("%d of %d failed: %s", l.failed.Load(), l.creates.Load(), l.first)
	}
}

// TestFromAnotherMode: replicas with a certificate of cert-manager's, or of somebody else's, are replaced one by one by those that make their own, while pods
// are created, and the one that leads is one of the old ones until the last.
func TestFromAnotherMode(t *testing.T) {
	c := cluster.Start(t, controlplane.Options{}, injector.Options{Replicas: 2, Args: []string{"--certificate-ca-pause=" + pause.String(), "--shutdown-delay=3s"}})
	c.Namespace(t, "shop", map[string]string{annotation.Vault: "payments-kv", annotation.ServiceAccount: cluster.Account})
	l := startLoad(t, c)
	if err := c.Injector.TakeOwnCertificates(t.Context()); err != nil {
		t.Fatal(err)
	}
	rotate(t, c, "ca now")
	l.stop()
	if l.failed.Load() > 0 || l.creates.Load() == 0 {
		t.Errorf("%d failed of %d: %s", l.failed.Load(), l.creates.Load(), l.first)
	}
}

// TestOwnAccount: whoever has our token changes caBundles of our own webhook configurations, and nothing else.
func TestOwnAccount(t *testing.T) {
	c := start(t)
	kubeconfig, err := c.ServiceAccountKubeconfig(t.Context(), injector.Namespace, injector.ServiceAccount)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	own, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	const first = "pods.mutate.azure.keyvault.injector"
	hooks := own.AdmissionregistrationV1()
	merge := func(change string) error {
		_, err := hooks.MutatingWebhookConfigurations().Patch(t.Context(), configuration, types.StrategicMergePatchType, []byte(change), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	webhook := func(change string) string { return `{"webhooks":[{"name":"` + first + `",` + change + `}]}` }
	if err := merge(webhook(`"clientConfig":{"caBundle":"` + "LS0tLS1CRUdJTg==" + `"}`)); err != nil && !strings.Contains(err.Error(), "caBundle") {
		t.Errorf("the caBundle: %v", err)
	}
	for what, change := range map[string]string{
		"failurePolicy":           webhook(`"failurePolicy":"Ignore"`),
		"who is called":           webhook(`"clientConfig":{"url":"https://elsewhere.example/"}`),
		"namespaceSelector":       webhook(`"namespaceSelector":{"matchLabels":{"a":"b"}}`),
		"objectSelector":          webhook(`"objectSelector":{"matchLabels":{"a":"b"}}`),
		"rules":                   webhook(`"rules":[]`),
		"matchConditions":         webhook(`"matchConditions":[{"name":"never","expression":"false"}]`),
		"timeoutSeconds":          webhook(`"timeoutSeconds":1`),
		"sideEffects":             webhook(`"sideEffects":"None"`),
		"reinvocationPolicy":      webhook(`"reinvocationPolicy":"Never"`),
		"matchPolicy":             webhook(`"matchPolicy":"Exact"`),
		"admissionReviewVersions": webhook(`"admissionReviewVersions":["v1","v1beta1"]`),
		"a webhook more":          `{"webhooks":[{"name":"more.example.com","clientConfig":{"url":"https://elsewhere.example/"},"sideEffects":"None","admissionReviewVersions":["v1"]}]}`,
		"a webhook less":          `{"webhooks":[{"$patch":"delete","name":"` + first + `"}]}`,
		"labels":                  `{"metadata":{"labels":{"a":"b"}}}`,
		"annotations":             `{"metadata":{"annotations":{"cert-manager.io/inject-ca-from":"a/b"}}}`,
		"ownerReferences":         `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Namespace","name":"shop","uid":"1"}]}}`,
	} {
		if err := merge(change); !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "nothing of its webhook configurations") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := hooks.ValidatingWebhookConfigurations().Patch(t.Context(), configuration, types.JSONPatchType, []byte(`[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}); err == nil {
		t.Error("the validating configuration can be changed")
	}
	others := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "others"}}
	if _, err := hooks.MutatingWebhookConfigurations().Create(t.Context(), others, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("another configuration can be made: %v", err)
	}
	if _, err := own.CoreV1().Secrets(injector.Namespace).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("all Secrets of the namespace can be read: %v", err)
	}
	if _, err := own.CoreV1().Secrets(injector.Namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "more"}}, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("another Secret can be made: %v", err)
	}
}

// TestMetrics: what a replica serves is what docs/metrics.md says of it.
func TestMetrics(t *testing.T) {
	c := start(t)
	if err := c.API.Create(t.Context(), cluster.Pod("shop", "asks", "DB-Password")); err != nil {
		t.Fatal(err)
	}
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	served, err := c.Injector.Replicas()[0].Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row := func(name string) string {
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "| `"+name+"` |") {
				return line
			}
		}
		return ""
	}
	seen := 0
	for line := range strings.Lines(served) {
		if name, kind, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# TYPE "), " "); ok && strings.HasPrefix(line, "# TYPE akv_injector_") {
			seen++
			if !strings.Contains(row(name), "| "+kind+" |") {
				t.Errorf("%s %s is documented as %q", kind, name, row(name))
			}
		}
		series := regexp.MustCompile(`^(akv_injector_\w+?)(?:_bucket|_sum|_count)?\{(.*)\} `).FindStringSubmatch(line)
		if series == nil {
			continue
		}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(series[2], -1) {
			if label[1] != "le" && !strings.Contains(row(series[1]), "`"+label[1]+"`") {
				t.Errorf("the label %s of %s is not documented: %q", label[1], series[1], row(series[1]))
			}
		}
	}
	if seen < 15 {
		t.Errorf("%d metrics:\n%s", seen, served)
	}
}
