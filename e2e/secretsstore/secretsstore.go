package secretsstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

// DriverName is the CSI driver's, in volumes of pods and in its CSIDriver object.
const DriverName = "secrets-store.csi.k8s.io"

// starting allows for a machine that is busy with builds.
var starting = await.Poll{Limit: time.Minute, Every: 50 * time.Millisecond}

// stopGrace is how long a program may take to end when asked to. Both wait for
// calls that they have not answered yet, which may take the kubelet's two minutes.
const stopGrace = 10 * time.Second

// Node is the node to serve. Its kubelet may be started before or after.
type Node struct {
	Name        string // as of the Node object: the driver watches that node's pods
	KubeletRoot string // the kubelet's --root-dir
}

// Options of a run. The zero value is the newest driver, which looks every 5 seconds.
type Options struct {
	// Legacy runs driver 1.4.8, which rotates with a loop of its own, in place of 1.6.0.
	Legacy bool
	// Legacy15 runs driver 1.5.6 in place of 1.4.8, if Legacy is set.
	Legacy15 bool
	// PollInterval is --rotation-poll-interval; 0 is 5 seconds.
	PollInterval time.Duration
	// WithoutRotation leaves --enable-secret-rotation out, as both drivers default to.
	WithoutRotation bool
	// SyncSecrets lets the driver write Secrets, as a class's secretObjects want it. Its
	// chart leaves that out unless told otherwise; the add-on of AKS has it.
	SyncSecrets bool
	// Audiences of tokens that the CSIDriver requests, beside that of Entra ID.
	Audiences []string
	// DriverArgs and ProviderArgs are added to the programs' flags, such as -v=5.
	DriverArgs, ProviderArgs []string
	// ProviderEnv is added to the provider's environment, such as SSL_CERT_FILE=….
	ProviderEnv []string
	// Log hears of builds that take minutes. Nil is silence.
	Log io.Writer
}

// SecretsStore is a driver and a provider, each running or not.
type SecretsStore struct {
	cp      *controlplane.ControlPlane
	node    Node
	options Options

	programs     map[string]string
	dir          string // of the provider's socket
	driverConfig string // kubeconfig
	release      []func()

	driver         *process.Process // nil before start and after stop
	driverMetrics  int
	provider       *process.Process // the same
	providerHealth int
	providerStats  int
	registration   *registration
}

// Start installs the driver's objects, starts the provider and the driver, waits until
// both answer, and offers the driver to the node's kubelet; it does not wait for that
// one (see [SecretsStore.AwaitRegistered]). ctx bounds the start only.
func Start(ctx context.Context, cp *controlplane.ControlPlane, node Node, options Options) (s *SecretsStore, err error) {
	if options.PollInterval == 0 {
		options.PollInterval = 5 * time.Second
	}
	s = &SecretsStore{
		cp: cp, node: node, options: options,
		dir: filepath.Join(cp.Dir, "secrets-store-"+node.Name),
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start the Secrets Store CSI driver: %w", err), s.Stop())
			s = nil
		}
	}()
	if err := s.checkSockets(); err != nil {
		return s, err
	}
	if s.programs, err = build.Ensure(ctx, options.Log, s.driverProgram(), providerProgram); err != nil {
		return s, err
	}
	if err := s.install(ctx); err != nil {
		return s, err
	}
	if err := s.reservePorts(); err != nil {
		return s, err
	}
	if err := s.StartProvider(ctx); err != nil {
		return s, err
	}
	if err := s.StartDriver(ctx); err != nil {
		return s, err
	}
	s.registration, err = register(s.registrationSocket(), s.DriverSocket())
	return s, err
}

// reservePorts keeps the programs' ports for as long as the run, so that both come back
// on the same ones.
func (s *SecretsStore) reservePorts() error {
	for _, port := range []*int{&s.driverMetrics, &s.providerHealth, &s.providerStats} {
		number, release, err := controlplane.ReservePort()
		if err != nil {
			return err
		}
		*port = number
		s.release = append(s.release, release)
	}
	return nil
}

// Stop ends the driver's registration and both programs. What was installed stays with
// the control plane. A program that had ended by itself is an error: whatever was tested
// after that was not tested. Stop may be called twice.
func (s *SecretsStore) Stop() error {
	if s.registration != nil {
		s.registration.stop()
		s.registration = nil
	}
	err := errors.Join(s.StopDriver(), s.StopProvider(), s.removeSockets())
	for _, release := range s.release {
		release()
	}
	s.release = nil
	return err
}

// AwaitRegistered waits until the kubelet has taken the driver in. Its error is the
// kubelet's, if that one has an objection.
func (s *SecretsStore) AwaitRegistered(ctx context.Context) error {
	select {
	case <-s.registration.answered:
		if s.registration.objection != "" {
			return fmt.Errorf("the kubelet does not take the driver: %s", s.registration.objection)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the kubelet has not asked at %s: %w", s.registrationSocket(), context.Cause(ctx))
	}
}

// stop ends a program, which should be running until then.
func stop(running **process.Process, grace time.Duration) error {
	p := *running
	if p == nil {
		return nil
	}
	*running = nil
	select {
	case <-p.Exited():
		return p.Failure()
	default:
		return p.Stop(grace)
	}
}
