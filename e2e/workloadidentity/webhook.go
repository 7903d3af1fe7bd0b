package workloadidentity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

const (
	program   = "azure-workload-identity-webhook"
	stopGrace = 20 * time.Second
)

// Options of a run.
type Options struct {
	// TenantID is the tenant of service accounts without an annotation of their own. The
	// webhook does not start without one.
	TenantID string
	// Log hears of a build that takes minutes. Nil is silence.
	Log io.Writer
}

// Webhook is a running webhook.
type Webhook struct {
	cp      *controlplane.ControlPlane
	process *process.Process
	health  int
	metrics int
	release []func()
}

// Start installs and starts the webhook, and waits until the API server calls it. One run
// at a time can have it (see takeTurn). ctx bounds the start only.
func Start(ctx context.Context, cp *controlplane.ControlPlane, options Options) (w *Webhook, err error) {
	w = &Webhook{cp: cp}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start the workload identity webhook: %w", err), w.Stop())
			w = nil
		}
	}()
	if options.TenantID == "" {
		return w, errors.New("Options.TenantID is required")
	}
	programs, err := build.Ensure(ctx, options.Log, program)
	if err != nil {
		return w, err
	}
	configuration, err := w.install(ctx)
	if err != nil {
		return w, err
	}
	if err := w.run(ctx, programs[program], options.TenantID); err != nil {
		return w, err
	}
	if err := w.awaitReady(ctx); err != nil {
		return w, err
	}
	ca, err := os.ReadFile(cp.CAFile)
	if err != nil {
		return w, err
	}
	if err := injector.CallByURL(configuration, "https://"+loopback(port), ca); err != nil {
		return w, err
	}
	if err := injector.Apply(ctx, cp.Config, configuration); err != nil {
		return w, err
	}
	return w, w.awaitCalled(ctx)
}

// install applies the manifest, except what runs and exposes the webhook in a cluster, and
// gives the webhook configuration, which has to wait until the webhook answers.
func (w *Webhook) install(ctx context.Context) (configuration *unstructured.Unstructured, err error) {
	dir, err := build.ModuleDir(ctx, build.IdentityWebhook)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "deploy", "azure-wi-webhook.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	objects, err := injector.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, o := range objects {
		switch o.GetKind() {
		case "Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding":
			if err := injector.Apply(ctx, w.cp.Config, o); err != nil {
				return nil, err
			}
		case "MutatingWebhookConfiguration":
			configuration = o
		}
	}
	if configuration == nil {
		return nil, fmt.Errorf("%s has no MutatingWebhookConfiguration", file)
	}
	return configuration, nil
}

// run starts the program as the manifest's Deployment does.
func (w *Webhook) run(ctx context.Context, path, tenant string) error {
	kubeconfig, err := w.cp.ServiceAccountKubeconfig(ctx, namespace, account)
	if err != nil {
		return err
	}
	certs, err := w.certificate()
	if err != nil {
		return err
	}
	turn, err := takeTurn(ctx)
	if err != nil {
		return err
	}
	w.release = append(w.release, turn)
	for _, number := range []*int{&w.health, &w.metrics} {
		reserved, release, err := controlplane.ReservePort()
		if err != nil {
			return err
		}
		*number = reserved
		w.release = append(w.release, release)
	}
	w.process, err = process.Start(process.Spec{
		Name: program,
		Path: path,
		Args: []string{
			"--log-level=info", // as in the manifest
			"--webhook-cert-dir=" + certs,
			"--disable-cert-rotation",
			"--health-addr=" + loopback(w.health),
			"--metrics-addr=" + loopback(w.metrics),
		},
		// The Deployment has these from the ConfigMap azure-wi-webhook-config and from
		// the pod's own fields.
		Env: []string{
			"AZURE_ENVIRONMENT=AzurePublicCloud", "AZURE_TENANT_ID=" + tenant,
			"POD_NAMESPACE=" + namespace, "KUBECONFIG=" + kubeconfig,
		},
		Log: w.logFile(),
	})
	return err
}

// certificate puts a serving certificate where the webhook's library reads one.
func (w *Webhook) certificate() (dir string, err error) {
	pair, err := w.cp.ServingCertificate(program, "127.0.0.1")
	if err != nil {
		return "", err
	}
	dir = filepath.Join(w.cp.Dir, program+"-certs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "tls.key"), pair.Key, 0o600); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "tls.crt"), pair.Cert, 0o600)
}

// awaitReady waits until the webhook says that it is ready.
func (w *Webhook) awaitReady(ctx context.Context) error {
	err := w.process.AwaitReady(ctx, await.Poll{Limit: time.Minute, Every: 50 * time.Millisecond}, w.ready)
	if err != nil {
		return fmt.Errorf("it needs port %d, which no flag changes: %w", port, err)
	}
	return nil
}

func (w *Webhook) ready(ctx context.Context) error {
	return process.Answers(ctx, http.DefaultClient, "http://"+loopback(w.health)+"/readyz")
}

// Log is what the webhook has logged.
func (w *Webhook) Log() string {
	content, err := os.ReadFile(w.logFile())
	if err != nil {
		return err.Error()
	}
	return string(content)
}

func (w *Webhook) logFile() string { return filepath.Join(w.cp.Dir, "logs", program+".log") }

// Metrics are what it exposes for Prometheus.
func (w *Webhook) Metrics(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+loopback(w.metrics)+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(content), err
}

// Stop ends the webhook. Its configuration stays with the control plane, so pods that it
// is for are refused from then on. One that had ended by itself is an error.
func (w *Webhook) Stop() error {
	var err error
	if w.process != nil {
		select {
		case <-w.process.Exited():
			err = w.process.Failure()
		default:
			err = w.process.Stop(stopGrace)
		}
		w.process = nil
	}
	for _, release := range w.release {
		release()
	}
	w.release = nil
	return err
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// Process is the running program.
func (w *Webhook) Process() *process.Process { return w.process }

// Address is where it answers admission requests, under MutatePath.
func (w *Webhook) Address() string { return loopback(port) }

// MutatePath is where it answers about pods.
const MutatePath = "/mutate-v1-pod"
