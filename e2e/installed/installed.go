package installed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/process"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// Release is the name that the chart is installed by.
const Release = "akv-injector"

// wait is how long Helm waits for replicas to be ready.
const wait = "90s"

// Options of a machine.
type Options struct {
	// CertManager runs cert-manager's controllers.
	CertManager bool
	Log         io.Writer
}

// Machine is a whole system into which akv-injector can be installed, with its image on the node.
type Machine struct {
	*system.System
	helm        string
	chart       string
	kubeconfig  string
	certManager *process.Process
}

// Prepare builds what a machine is made of, with the network that a sandbox lacks.
func Prepare(ctx context.Context, log io.Writer) error {
	if err := system.PrepareCurrent(ctx, log); err != nil {
		return err
	}
	if _, err := build.Ensure(ctx, log, build.Service()...); err != nil {
		return err
	}
	if _, err := build.ModuleDir(ctx, build.CertManager); err != nil {
		return err
	}
	if _, err := build.Tool(ctx, log, "helm"); err != nil {
		return err
	}
	return build.Image(ctx, log)
}

// Start starts a machine without akv-injector. ctx bounds the start only.
func Start(ctx context.Context, options Options) (m *Machine, err error) {
	m = &Machine{}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Stop())
			m = nil
		}
	}()
	if m.System, err = system.Start(ctx, system.Options{Services: true, WithoutInjector: true, Log: options.Log}); err != nil {
		return m, err
	}
	archive, err := build.ImageArchive()
	if err != nil {
		return m, err
	}
	if err := m.Node.Import(ctx, archive); err != nil {
		return m, err
	}
	if m.helm, err = build.Tool(ctx, options.Log, "helm"); err != nil {
		return m, err
	}
	root, err := build.Root()
	if err != nil {
		return m, err
	}
	m.chart = filepath.Join(root, "deploy", "chart", "akv-injector")
	user, err := m.User("helm", "system:masters")
	if err != nil {
		return m, err
	}
	m.kubeconfig = user.Kubeconfig
	if options.CertManager {
		return m, m.startCertManager(ctx)
	}
	return m, nil
}

// startCertManager installs cert-manager's CRDs and starts its controllers.
func (m *Machine) startCertManager(ctx context.Context) error {
	folder, err := build.ModuleDir(ctx, build.CertManager)
	if err != nil {
		return err
	}
	if _, err := controlplane.InstallCRDs(ctx, m.Config, filepath.Join(folder, "deploy", "crds")); err != nil {
		return err
	}
	programs, err := build.Ensure(ctx, nil, "cert-manager")
	if err != nil {
		return err
	}
	user, err := m.User("cert-manager", "system:masters")
	if err != nil {
		return err
	}
	m.certManager, err = process.Start(process.Spec{
		Name: "cert-manager", Path: programs["cert-manager"], Args: []string{"--kubeconfig", user.Kubeconfig, "--health-address", certManagerHealth},
		Log: filepath.Join(os.TempDir(), "cert-manager.log"),
	})
	if err != nil {
		return err
	}
	poll := await.Poll{Limit: time.Minute, Every: 50 * time.Millisecond}
	return m.certManager.AwaitReady(ctx, poll, func(ctx context.Context) error {
		return process.Answers(ctx, http.DefaultClient, "http://"+certManagerHealth+"/healthz")
	})
}

// certManagerHealth is where cert-manager's controllers say that they run, in the sandbox's own network.
const certManagerHealth = "127.0.0.1:9403"

// Stop ends all.
func (m *Machine) Stop() error {
	var errs []error
	if m.certManager != nil {
		errs = append(errs, m.certManager.Stop(20*time.Second))
	}
	if m.System != nil {
		errs = append(errs, m.System.Stop())
	}
	return errors.Join(errs...)
}

// Install installs the chart with Helm, and waits as `helm install --wait` does. Settings are those of --set.
func (m *Machine) Install(ctx context.Context, settings ...string) error {
	return m.Helm(ctx, append([]string{"install", Release, m.chart, "--create-namespace", "--wait", "--timeout", wait}, image(settings)...)...)
}

// Upgrade is `helm upgrade --wait`.
func (m *Machine) Upgrade(ctx context.Context, settings ...string) error {
	return m.Helm(ctx, append([]string{"upgrade", Release, m.chart, "--wait", "--timeout", wait}, image(settings)...)...)
}

// image adds that the image is the one on the node.
func image(settings []string) []string {
	var args []string
	for _, s := range append([]string{"image.repository=" + build.ImageName, "image.tag=" + build.ImageVersion, "image.pullPolicy=Never"}, settings...) {
		args = append(args, "--set", s)
	}
	return args
}

// Helm runs a command of Helm's.
func (m *Machine) Helm(ctx context.Context, args ...string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, m.helm, append(args, "--kubeconfig", m.kubeconfig, "--namespace", injector.Namespace)...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, &said)
	}
	return nil
}

// ExplainAll gives the last lines of what all programs logged, replicas included.
func (m *Machine) ExplainAll() string {
	explained := m.ControlPlane.Explain()
	if m.certManager != nil {
		explained += "\n" + m.certManager.Explain(errors.New("cert-manager at the time of the failure")).Error()
	}
	logs, err := m.KubectlCommand(context.Background(), "logs", "--namespace", injector.Namespace, "--selector", "app.kubernetes.io/name=akv-injector",
		"--all-containers", "--prefix", "--tail", "30").CombinedOutput()
	explained += "\n" + string(logs)
	if err != nil {
		explained += "\nkubectl logs: " + err.Error()
	}
	return explained
}

// Manifests are what `make release REPO=…` renders, with the image on the node.
func (m *Machine) Manifests(ctx context.Context) ([]byte, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, m.helm, append([]string{"template", Release, m.chart, "--skip-tests", "--namespace", injector.Namespace, "--set", "namespace.create=true"}, image(nil)...)...)
	cmd.Stderr = &said
	rendered, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("helm template: %w\n%s", err, &said)
	}
	return rendered, nil
}

// Apply is kubectl apply of manifests, with further arguments.
func (m *Machine) Apply(ctx context.Context, manifests []byte, args ...string) error {
	cmd := m.KubectlCommand(ctx, append([]string{"apply", "-f", "-"}, args...)...)
	cmd.Stdin = bytes.NewReader(manifests)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl apply: %w: %s", err, out)
	}
	return nil
}

// OptIn makes a namespace that has opted in, with the account cluster.Account: what the load asks for.
func (m *Machine) OptIn(ctx context.Context, namespace string) error {
	labels := map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}
	if err := m.CreateNamespace(ctx, namespace, labels, nil); err != nil {
		return err
	}
	return m.API.Create(ctx, cluster.ServiceAccount(namespace))
}

// Restart is kubectl rollout restart, until it is done.
func (m *Machine) Restart(ctx context.Context) error {
	if err := m.rollout(ctx, "restart"); err != nil {
		return err
	}
	return m.RolledOut(ctx)
}

// RolledOut waits until the replicas are what they should be.
func (m *Machine) RolledOut(ctx context.Context) error {
	return m.rollout(ctx, "status", "--timeout=2m")
}

func (m *Machine) rollout(ctx context.Context, args ...string) error {
	args = append([]string{"rollout", "--namespace", injector.Namespace}, append(args, "deployment/"+Release)...)
	if out, err := m.KubectlCommand(ctx, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl rollout: %w: %s", err, out)
	}
	return nil
}
