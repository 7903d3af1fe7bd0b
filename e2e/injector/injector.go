package injector

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

// Names of the installation in deploy/install.yaml.
const (
	Namespace      = "akv-injector-system"
	ServiceAccount = "akv-injector"
	// CertificateSecret is where it keeps certificates of its own.
	CertificateSecret = "akv-injector-certificates"
)

// Webhooks in deploy/install.yaml that are called about pods.
const (
	Mutating    = "pods.mutate.azure.keyvault.injector"
	Asking      = "asking.validate.azure.keyvault.injector"
	Handwritten = "handwritten.validate.azure.keyvault.injector"
)

// DriverModule has the CRDs of the SecretProviderClass.
const DriverModule = "sigs.k8s.io/secrets-store-csi-driver@v1.6.0"

// Options of a run. The zero value is one replica with the program's defaults.
type Options struct {
	Replicas int
	// Args are added to the program's flags.
	Args []string
	// Env is added to the program's environment.
	Env []string
	// BuildFlags are added to go build.
	BuildFlags []string
	// Race builds the program with the race detector, whose first finding ends a replica
	// and fails the test.
	Race bool
	// OwnCertificates has the program make its certificates itself. The webhook configurations are there before it is.
	OwnCertificates bool
	// WithoutCRDs leaves the driver's CRDs out.
	WithoutCRDs bool
	// WebhookTimeout is how long the API server waits for an answer, in whole seconds up
	// to 30; 0 is what deploy/install.yaml says.
	WebhookTimeout time.Duration
	Log            io.Writer
}

// Injector is an installation of akv-injector.
type Injector struct {
	cp       *controlplane.ControlPlane
	options  Options
	program  string
	pair     *controlplane.KeyPair
	certs    string
	balancer *balancer
	replicas []*Replica
	// configurations of webhooks, as they are applied.
	configurations []*unstructured.Unstructured
	config         string // kubeconfig
}

// Replica is one running akv-injector.
type Replica struct {
	process *process.Process
	webhook int
	health  int
	metrics int
	release []func()
	number  int
	log     string
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func reserve() (int, func(), error) { return controlplane.ReservePort() }

// Install builds the program, applies what deploy/install.yaml says, starts the
// replicas, waits until they are ready and applies the webhook configurations.
func Install(ctx context.Context, cp *controlplane.ControlPlane, options Options) (in *Injector, err error) {
	options.Replicas = max(1, options.Replicas)
	in = &Injector{cp: cp, options: options}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("install akv-injector: %w", err), in.Stop())
			in = nil
		}
	}()
	if in.program, err = Build(ctx, options); err != nil {
		return in, err
	}
	if !options.WithoutCRDs {
		if err := in.InstallCRDs(ctx); err != nil {
			return in, err
		}
	}
	manifests, err := Manifests()
	if err != nil {
		return in, err
	}
	var configurations []*unstructured.Unstructured
	for _, o := range manifests {
		switch {
		case isWebhookConfiguration(o):
			configurations = append(configurations, o)
		case o.GroupVersionKind().Group == "cert-manager.io", o.GetKind() == "Deployment":
			// Here the test is what cert-manager and the kubelet are in a cluster.
		default:
			if err := Apply(ctx, cp.Config, o); err != nil {
				return in, err
			}
		}
	}
	if err := in.prepare(ctx); err != nil {
		return in, err
	}
	if options.OwnCertificates {
		if err := in.configure(ctx, configurations, nil); err != nil {
			return in, err
		}
	}
	if err := in.start(ctx); err != nil {
		return in, err
	}
	if !options.WithoutCRDs {
		if err := in.AwaitReady(ctx); err != nil {
			return in, err
		}
	}
	if !options.OwnCertificates {
		if err := in.configure(ctx, configurations, in.ca()); err != nil {
			return in, err
		}
	}
	return in, in.awaitCalled(ctx)
}

// configure applies the webhook configurations, with a CA, or without.
func (in *Injector) configure(ctx context.Context, configurations []*unstructured.Unstructured, ca []byte) error {
	for _, o := range configurations {
		if err := CallByURL(o, "https://"+in.balancer.address(), ca); err != nil {
			return err
		}
		if err := setTimeout(o, in.options.WebhookTimeout); err != nil {
			return err
		}
		if err := Apply(ctx, in.cp.Config, o); err != nil {
			return err
		}
	}
	in.configurations = configurations
	return nil
}

// ApplyAgain applies the webhook configurations as they were applied at first.
func (in *Injector) ApplyAgain(ctx context.Context) error {
	for _, o := range in.configurations {
		if err := Apply(ctx, in.cp.Config, o); err != nil {
			return err
		}
	}
	return nil
}

// Address is where the API server calls, in front of all replicas.
func (in *Injector) Address() string { return in.balancer.address() }

// Build builds the program.
func Build(ctx context.Context, options Options) (path string, err error) {
	flags := slices.Clone(options.BuildFlags)
	if options.Race {
		flags = append(flags, "-race")
	}
	return build.Product(ctx, options.Log, "./cmd/akv-injector", flags...)
}

// InstallCRDs installs the driver's CRDs from its module.
func (in *Injector) InstallCRDs(ctx context.Context) error {
	dir, err := build.ModuleDir(ctx, DriverModule)
	if err != nil {
		return err
	}
	_, err = controlplane.InstallCRDs(ctx, in.cp.Config, filepath.Join(dir, "config", "crd", "bases"))
	return err
}

func (in *Injector) ca() []byte {
	ca, err := os.ReadFile(in.cp.CAFile)
	if err != nil {
		panic(err) // the run's own file
	}
	return ca
}

// prepare makes the certificate and the credentials: a token of the installed service
// account, so that the installed RBAC is all that the program can do.
func (in *Injector) prepare(ctx context.Context) (err error) {
	if in.pair, err = in.cp.ServingCertificate("akv-injector", "127.0.0.1"); err != nil {
		return err
	}
	in.certs = filepath.Join(in.cp.Dir, "akv-injector-certs")
	if err := os.MkdirAll(in.certs, 0o700); err != nil {
		return err
	}
	if err := in.WriteCertificate(in.pair); err != nil {
		return err
	}
	if in.config, err = in.cp.ServiceAccountKubeconfig(ctx, Namespace, ServiceAccount); err != nil {
		return err
	}
	in.balancer, err = newBalancer()
	return err
}

// WriteCertificate puts a certificate where the replicas read it, key first, as an
// update of a mounted Secret brings both.
func (in *Injector) WriteCertificate(pair *controlplane.KeyPair) error {
	if err := os.WriteFile(filepath.Join(in.certs, "tls.key"), pair.Key, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(in.certs, "tls.crt"), pair.Cert, 0o600)
}

func (in *Injector) start(ctx context.Context) error {
	for i := range in.options.Replicas {
		r := &Replica{number: i}
		in.replicas = append(in.replicas, r)
		for _, p := range []*int{&r.webhook, &r.health, &r.metrics} {
			number, release, err := reserve()
			if err != nil {
				return err
			}
			*p = number
			r.release = append(r.release, release)
		}
		if err := in.StartReplica(ctx, r); err != nil {
			return err
		}
	}
	in.Offer()
	return nil
}

// Offer sends requests to every replica, as a Service whose endpoints are all ready.
func (in *Injector) Offer() { in.offerBut(-1) }

// Withdraw sends no new connection to a replica that is about to stop, as a Service does
// once its pod is terminating. Those it has end when it does.
func (in *Injector) Withdraw(number int) error {
	if number < 0 || number >= len(in.replicas) {
		return fmt.Errorf("there is no replica %d", number)
	}
	in.offerBut(number)
	return nil
}

// offerBut sends requests to every replica but one, or to all for -1.
func (in *Injector) offerBut(except int) {
	addresses := make([]string, 0, len(in.replicas))
	for i, r := range in.replicas {
		if i != except {
			addresses = append(addresses, loopback(r.webhook))
		}
	}
	in.balancer.set(addresses)
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// StartReplica starts a replica that is not running, on the same ports as before.
func (in *Injector) StartReplica(_ context.Context, r *Replica) (err error) {
	r.log = filepath.Join(in.cp.Dir, "logs", fmt.Sprintf("akv-injector-%d.log", r.number))
	args := append([]string{
		"--kubeconfig=" + in.config,
		"--webhook-host=127.0.0.1",
		"--webhook-port=" + strconv.Itoa(r.webhook),
		"--health-probe-address=" + loopback(r.health),
		"--metrics-address=" + loopback(r.metrics),
		"--cert-dir=" + in.certs,
		"--rotation-events-cert-dir=" + in.certs,
		"--leader-elect",
		"--leader-election-namespace=" + Namespace,
		"--shutdown-delay=0s",
	}, in.certificateArgs()...)
	args = append(args, in.options.Args...)
	r.process, err = process.Start(process.Spec{
		Name: fmt.Sprintf("akv-injector %d", r.number), Path: in.program, Args: args, Log: r.log,
		Env: append([]string{"GORACE=halt_on_error=1"}, in.options.Env...),
	})
	return err
}

func (in *Injector) certificateArgs() []string {
	if !in.options.OwnCertificates {
		return nil
	}
	return []string{"--certificate-secret=" + CertificateSecret, "--certificate-names=127.0.0.1"}
}

// RunOnce runs the program with the credentials of a replica, for a flag with which it ends by itself.
func (in *Injector) RunOnce(ctx context.Context, args ...string) ([]byte, error) {
	return exec.CommandContext(ctx, in.program, append([]string{"--kubeconfig=" + in.config}, args...)...).CombinedOutput()
}

// StopReplica ends one replica as the kubelet does, with SIGTERM.
func (in *Injector) StopReplica(r *Replica) error {
	return errors.Join(r.process.Stop(30*time.Second), in.raced(r))
}

// raced is what the race detector has found. A replica that it ended may have looked like
// one that a test stopped.
func (in *Injector) raced(r *Replica) error {
	if !in.options.Race {
		return nil
	}
	if _, report, found := strings.Cut(r.Log(), "WARNING: DATA RACE"); found {
		return fmt.Errorf("akv-injector %d has a data race:%s", r.number, report)
	}
	return nil
}

// Replicas are the running ones.
func (in *Injector) Replicas() []*Replica { return in.replicas }

// Restart stops and starts every replica, and waits until they are ready.
func (in *Injector) Restart(ctx context.Context) error {
	for _, r := range in.replicas {
		if err := in.StopReplica(r); err != nil {
			return err
		}
		if err := in.StartReplica(ctx, r); err != nil {
			return err
		}
	}
	return in.AwaitReady(ctx)
}

// TakeOwnCertificates restarts the replicas one by one, as a rolling update does, with certificates that they make themselves. The webhook configurations keep
// what they have.
func (in *Injector) TakeOwnCertificates(ctx context.Context) error {
	in.options.OwnCertificates = true
	for i, r := range in.replicas {
		if err := in.Withdraw(i); err != nil {
			return err
		}
		if err := in.StopReplica(r); err != nil {
			return err
		}
		if err := in.StartReplica(ctx, r); err != nil {
			return err
		}
		// The others go on as they were until this one is ready.
		if err := in.AwaitReady(ctx); err != nil {
			return err
		}
		in.Offer()
	}
	return nil
}

// AwaitReady waits until every replica says that it is ready.
func (in *Injector) AwaitReady(ctx context.Context) error {
	for _, r := range in.replicas {
		poll := await.Poll{Limit: time.Minute, Every: 50 * time.Millisecond}
		err := r.process.AwaitReady(ctx, poll, func(ctx context.Context) error {
			if ready, answer := r.Ready(ctx); !ready {
				return errors.New(answer)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Ready asks the replica's /readyz.
func (r *Replica) Ready(ctx context.Context) (ready bool, answer string) {
	status, body, err := get(ctx, "http://"+loopback(r.health)+"/readyz?verbose")
	if err != nil {
		return false, err.Error()
	}
	return status == http.StatusOK, body
}

// Metrics gives the replica's metrics.
func (r *Replica) Metrics(ctx context.Context) (string, error) {
	_, body, err := get(ctx, "http://"+loopback(r.metrics)+"/metrics")
	return body, err
}

// Log is what the replica has logged.
func (r *Replica) Log() string {
	content, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	return string(content)
}

func get(ctx context.Context, url string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

// Stop ends the replicas. What was applied goes with the control plane.
func (in *Injector) Stop() error {
	var errs []error
	for _, r := range in.replicas {
		errs = append(errs, in.StopReplica(r))
		for _, release := range r.release {
			release()
		}
	}
	in.replicas = nil
	if in.balancer != nil {
		in.balancer.close()
		in.balancer = nil
	}
	return errors.Join(errs...)
}
