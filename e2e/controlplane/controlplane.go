package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"akv-injector/e2e/build"
	"akv-injector/e2e/rundir"
)

// ControlPlane is a running control plane. Its methods are not for concurrent
// use, except User, CreateNamespace, Metrics and KubectlCommand.
type ControlPlane struct {
	Config     *rest.Config         // of a cluster administrator
	Client     kubernetes.Interface // the same
	Kubeconfig string               // path, the same
	Kubectl    string               // path of a kubectl of the server's version
	Issuer     string               // of service account tokens; also the API server's URL
	AuditLog   string               // path: a JSON event a line, see [Options]
	CAFile     string               // path of the CA that signed every certificate
	Dir        string               // of this run; gone after Stop

	options   Options
	run       *rundir.Dir
	authority *authority
	probes    *http.Client

	ports             []*port
	etcd              *server
	apiserver         *server
	controllerManager *server // nil without one
	scheduler         *server // the same
}

// Start starts a control plane and waits until it can be used. The programs are
// built first if need be, which takes minutes once; [Options.Log] hears of it.
// ctx bounds the start only: what was started runs until Stop.
func Start(ctx context.Context, options Options) (cp *ControlPlane, err error) {
	names := []string{"etcd", "kube-apiserver", "kubectl"}
	if options.ControllerManager {
		names = append(names, "kube-controller-manager")
	}
	if options.Scheduler {
		names = append(names, "kube-scheduler")
	}
	programs, err := build.Ensure(ctx, options.Log, names...)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	run, err := rundir.New(options.Dir, "akv-controlplane-", nil)
	if err != nil {
		return nil, err
	}
	cp = &ControlPlane{
		Kubectl:  programs["kubectl"],
		Dir:      run.Path,
		AuditLog: filepath.Join(run.Path, "audit.log"),
		run:      run,
		options:  options,
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start a control plane: %w", err), cp.Stop())
			cp = nil
		}
	}()
	if err := cp.prepare(programs); err != nil {
		return cp, err
	}
	for _, s := range cp.servers() {
		if err := s.start(ctx); err != nil {
			return cp, err
		}
	}
	if err := cp.awaitDefaultNamespace(ctx); err != nil {
		return cp, err
	}
	if options.Log != nil {
		fmt.Fprintf(options.Log, "control plane at %s, ready in %.1f s, files in %s\n",
			cp.Issuer, time.Since(begun).Seconds(), cp.Dir)
	}
	return cp, nil
}

// prepare makes everything that the programs are started with.
func (cp *ControlPlane) prepare(programs map[string]string) (err error) {
	ports, err := cp.reservePorts(5)
	if err != nil {
		return err
	}
	apiPort, etcdPort, peerPort, managerPort := ports[0], ports[1], ports[2], ports[3]
	cp.Issuer = apiPort.url()

	if cp.authority, err = newAuthority(filepath.Join(cp.Dir, "pki")); err != nil {
		return err
	}
	cp.CAFile = cp.authority.certFile()
	if err := cp.prepareAdmin(); err != nil {
		return err
	}
	etcdPair, err := cp.authority.etcd("etcd")
	if err != nil {
		return err
	}
	files := apiServerFiles{etcdClient: etcdPair}
	if files.serving, err = cp.authority.server("kube-apiserver", "127.0.0.1", "localhost", advertised, KubernetesIP,
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"); err != nil {
		return err
	}
	// A kubelet asks the API server what its client may do: as an administrator, all.
	if files.kubeletClient, err = cp.authority.client("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"); err != nil {
		return err
	}
	if files.serviceAccount, files.serviceAccounts, err = cp.authority.serviceAccountKeys(); err != nil {
		return err
	}

	cp.etcd = cp.etcdServer(programs["etcd"], etcdPort, peerPort, etcdPair)
	cp.apiserver, err = cp.apiServer(programs["kube-apiserver"], apiPort, etcdPort, files, cp.options.ExtraAPIServerArgs)
	if err != nil {
		return err
	}
	if cp.options.Scheduler {
		if cp.scheduler, err = cp.schedulerServer(programs["kube-scheduler"], ports[4]); err != nil {
			return err
		}
	}
	if !cp.options.ControllerManager {
		return nil
	}
	serving, err := cp.authority.server("kube-controller-manager", "127.0.0.1", "localhost")
	if err != nil {
		return err
	}
	cp.controllerManager, err = cp.controllerManagerServer(programs["kube-controller-manager"], managerPort, serving,
		files.serviceAccount, cp.options.ExtraControllerManagerArgs)
	return err
}

// prepareAdmin makes the administrator's credentials, and the client for probes.
func (cp *ControlPlane) prepareAdmin() error {
	admin, err := cp.User("e2e-admin", "system:masters")
	if err != nil {
		return err
	}
	cp.Config, cp.Kubeconfig = admin.Config, admin.Kubeconfig
	if cp.Client, err = kubernetes.NewForConfig(cp.Config); err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cp.Config.CertData, cp.Config.KeyData)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(cp.authority.cert)
	cp.probes = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		// A connection that is kept would delay a graceful end.
		DisableKeepAlives: true,
	}}
	return nil
}

func (cp *ControlPlane) reservePorts(count int) ([]*port, error) {
	for range count {
		reserved, err := newPort()
		if err != nil {
			return nil, err
		}
		cp.ports = append(cp.ports, reserved)
	}
	return cp.ports, nil
}

// servers are those there are, in the order in which they start.
func (cp *ControlPlane) servers() []*server {
	return slices.DeleteFunc([]*server{cp.etcd, cp.apiserver, cp.controllerManager, cp.scheduler},
		func(s *server) bool { return s == nil })
}

// StopAPIServer stops the API server alone, as a node reboot or an upgrade does.
func (cp *ControlPlane) StopAPIServer() error { return cp.apiserver.stop() }

// StartAPIServer starts it again on the same port and with the same data, and
// waits until it is ready.
func (cp *ControlPlane) StartAPIServer(ctx context.Context) error { return cp.apiserver.start(ctx) }

// RestartAPIServer stops the API server and starts it again.
func (cp *ControlPlane) RestartAPIServer(ctx context.Context) error {
	if err := cp.StopAPIServer(); err != nil {
		return err
	}
	return cp.StartAPIServer(ctx)
}

// Stop ends every program and removes the run's folder. It may be called twice.
// Its error also reports a program that had ended by itself.
func (cp *ControlPlane) Stop() error {
	if cp.run == nil {
		return nil
	}
	var errs []error
	for _, s := range slices.Backward(cp.servers()) {
		errs = append(errs, s.stop())
	}
	for _, reserved := range cp.ports {
		reserved.release()
	}
	errs = append(errs, cp.run.Close(cp.options.KeepDir))
	cp.run, cp.ports = nil, nil
	return errors.Join(errs...)
}

// ServingCertificate makes a certificate for a server of the test, such as a
// webhook or a kubelet, that the run's CA has signed. hosts are names or IP addresses.
func (cp *ControlPlane) ServingCertificate(name string, hosts ...string) (*KeyPair, error) {
	return cp.authority.server("serving-"+name, hosts...)
}

// Metrics gives what the API server answers at /metrics.
func (cp *ControlPlane) Metrics(ctx context.Context) (string, error) {
	raw, err := cp.Client.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	return string(raw), err
}

// KubectlCommand makes a kubectl command that acts as the administrator, and that
// keeps its caches in the run's folder.
func (cp *ControlPlane) KubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, cp.Kubectl, args...)
	cmd.Env = append(os.Environ(),
		"KUBECONFIG="+cp.Kubeconfig, "KUBECACHEDIR="+filepath.Join(cp.Dir, "kubectl-cache"), "KUBECTL_KUBERC=false")
	return cmd
}

func (cp *ControlPlane) logFile(program string) string {
	return filepath.Join(cp.Dir, "logs", program+".log")
}
