package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/node"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/secretsstore"
	"akv-injector/e2e/tokenproxy"
	"akv-injector/e2e/workloadidentity"
	"akv-injector/inject/provider"
)

// Options of a system. The zero value is the newest driver, with intervals of seconds.
type Options struct {
	// Legacy runs driver 1.4.8, which rotates with a loop of its own.
	Legacy bool
	// Legacy15 runs driver 1.5.6 in place of 1.4.8, if Legacy is set.
	Legacy15 bool
	// PollInterval is the driver's --rotation-poll-interval; 0 is 2 seconds, and the
	// driver's own default 2 minutes.
	PollInterval time.Duration
	// SyncFrequency is the kubelet's; 0 is 2 seconds, and the kubelet's own default a minute.
	SyncFrequency time.Duration
	// Replicas of akv-injector; 0 is one.
	Replicas int
	// InjectorArgs are added to akv-injector's flags.
	InjectorArgs []string
	// InjectorIdentity gives akv-injector an identity, as its own pod would have one. Roles are
	// for the test to assign: see GrantInjector.
	InjectorIdentity bool
	// InjectorEvents lets akv-injector, which then needs InjectorIdentity, hear of events of Key
	// Vault: see SubscribeQueue and SubscribeEndpoint.
	InjectorEvents bool
	// Services starts kube-proxy, by which pods reach Services, and so the API server, and it calls webhooks as in any cluster.
	Services bool
	// WithoutInjector leaves akv-injector out: the test installs it.
	WithoutInjector bool
	// Log hears of each part as it comes up.
	Log io.Writer
}

// System is a running system.
type System struct {
	*controlplane.ControlPlane
	Options Options
	Node    *node.Node
	Azure   *azure.Server
	// TokenProxy gives tokens to accounts that use identity bindings.
	TokenProxy *tokenproxy.Proxy
	Driver     *secretsstore.SecretsStore
	Identity   *workloadidentity.Webhook
	Injector   *injector.Injector
	// API reads and writes as an administrator, without a cache.
	API client.WithWatch

	// InjectorPrincipal is akv-injector's identity, if Options.InjectorIdentity is set.
	InjectorPrincipal string

	stops []func() error
}

// Prepare builds all that systems are made of, whatever their options, with the network
// that a sandbox lacks.
func Prepare(ctx context.Context, log io.Writer) error {
	if err := PrepareCurrent(ctx, log); err != nil {
		return err
	}
	if _, err := build.Ensure(ctx, log, build.LegacyDriver()...); err != nil {
		return err
	}
	for _, module := range []string{build.CSIDriverLegacy, build.CSIDriver15} {
		if _, err := build.ModuleDir(ctx, module); err != nil {
			return err
		}
	}
	return nil
}

// PrepareCurrent leaves out what a system without Options.Legacy has no use for.
func PrepareCurrent(ctx context.Context, log io.Writer) error {
	programs := slices.Concat(build.ControlPlane(), build.Node(), build.SecretsStore(), build.WorkloadIdentity())
	if _, err := build.Ensure(ctx, log, programs...); err != nil {
		return err
	}
	// A program that is in the cache already left none of its modules behind.
	for _, module := range []string{build.CSIDriver, build.IdentityWebhook} {
		if _, err := build.ModuleDir(ctx, module); err != nil {
			return err
		}
	}
	_, err := build.Product(ctx, log, "./cmd/akv-injector")
	return err
}

// Start starts a system. ctx bounds the start only.
func Start(ctx context.Context, options Options) (s *System, err error) {
	if !sandbox.Inside() {
		return nil, errors.New("start a system: not in a sandbox")
	}
	if options.PollInterval == 0 {
		options.PollInterval = 2 * time.Second
	}
	if options.SyncFrequency == 0 {
		options.SyncFrequency = 2 * time.Second
	}
	s = &System{Options: options}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
			s = nil
		}
	}()
	for _, start := range []func(context.Context) error{
		s.startControlPlane, s.startAzure, s.startNode, s.startDriver, s.startIdentity, s.startInjector,
	} {
		if err := start(ctx); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Stop ends all, the newest part first.
func (s *System) Stop() error {
	var errs []error
	for len(s.stops) > 0 {
		last := len(s.stops) - 1
		errs = append(errs, s.stops[last]())
		s.stops = s.stops[:last]
	}
	return errors.Join(errs...)
}

func (s *System) startControlPlane(ctx context.Context) (err error) {
	s.ControlPlane, err = controlplane.Start(ctx, controlplane.Options{
		ControllerManager: true, Scheduler: true, Services: s.Options.Services, Log: s.Options.Log,
		// Entra ID reads the issuer's keys, and has no credentials of the cluster. On AKS
		// the issuer is a public one too.
		ExtraAPIServerArgs: []string{"--anonymous-auth=true"},
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.ControlPlane.Stop)
	if s.API, err = client.NewWithWatch(s.Config, client.Options{Scheme: cluster.Scheme()}); err != nil {
		return err
	}
	return s.API.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "public-issuer"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:service-account-issuer-discovery"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:unauthenticated"}},
	})
}

func (s *System) startAzure(ctx context.Context) (err error) {
	s.Azure, err = azure.Start(ctx, azure.Options{
		Address: sandbox.AzureIP, HTTPSPort: 443, DNSPort: 53,
		Dir: filepath.Join(os.TempDir(), "azure"),
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.Azure.Stop)
	authorities, err := os.ReadFile(s.CAFile)
	if err != nil {
		return err
	}
	s.say("a stand-in for Azure: Entra ID and Key Vault at %s, for any of their names", s.Azure.HTTPSAddress())
	if err := s.Azure.TrustIssuers(authorities); err != nil {
		return err
	}
	if s.TokenProxy, err = tokenproxy.Start(ctx, s.Client, s.Issuer, s.Azure); err != nil {
		return err
	}
	s.stops = append(s.stops, s.TokenProxy.Stop)
	return nil
}

func (s *System) startNode(ctx context.Context) (err error) {
	s.Node, err = node.Start(ctx, s.ControlPlane, node.Options{SyncFrequency: s.Options.SyncFrequency, Log: s.Options.Log})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.Node.Stop)
	if s.Options.Services {
		return s.Node.StartProxy(ctx)
	}
	return nil
}

func (s *System) startDriver(ctx context.Context) (err error) {
	s.Driver, err = secretsstore.Start(ctx, s.ControlPlane,
		secretsstore.Node{Name: s.Node.Name, KubeletRoot: s.Node.KubeletRoot},
		secretsstore.Options{
			Legacy: s.Options.Legacy, Legacy15: s.Options.Legacy15, PollInterval: s.Options.PollInterval, SyncSecrets: true,
			ProviderEnv:  []string{"SSL_CERT_FILE=" + s.Azure.CAFile()},
			ProviderArgs: []string{"--token-proxy-url=" + s.TokenProxy.URL, "--sni-name=" + tokenproxy.ServerName},
			Audiences:    []string{provider.BindingAudience}, Log: s.Options.Log,
		})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.Driver.Stop)
	if err := s.Driver.AwaitRegistered(ctx); err != nil {
		return s.Node.Explain(err)
	}
	version := "1.6.0"
	if s.Options.Legacy {
		version = "1.4.8"
		if s.Options.Legacy15 {
			version = "1.5.6"
		}
	}
	s.say("Secrets Store CSI driver %s with the Azure provider 1.8.2, looking for new versions every %s", version, s.Options.PollInterval)
	return nil
}

func (s *System) startIdentity(ctx context.Context) (err error) {
	s.Identity, err = workloadidentity.Start(ctx, s.ControlPlane, workloadidentity.Options{
		TenantID: s.Azure.TenantID(), Log: s.Options.Log,
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.Identity.Stop)
	s.say("azure-workload-identity's webhook 1.6.0")
	return nil
}

func (s *System) startInjector(ctx context.Context) (err error) {
	if s.Options.WithoutInjector {
		return nil
	}
	env, project, err := s.injectorIdentity()
	if err != nil {
		return err
	}
	args := s.Options.InjectorArgs
	if s.Options.InjectorEvents {
		events, err := s.injectorEvents()
		if err != nil {
			return err
		}
		args = slices.Concat(args, events)
	}
	s.Injector, err = injector.Install(ctx, s.ControlPlane, injector.Options{
		Replicas: s.Options.Replicas, Args: args, Env: env, Log: s.Options.Log,
		// The API server refuses a pod whose call takes longer, and here it shares two cores
		// with all the rest.
		WebhookTimeout: 30 * time.Second,
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.Injector.Stop)
	if err := project(ctx); err != nil {
		return err
	}
	s.say("akv-injector, with the RBAC and the webhooks of deploy/install.yaml")
	return nil
}

func (s *System) say(format string, args ...any) {
	if s.Options.Log != nil {
		fmt.Fprintf(s.Options.Log, format+"\n", args...)
	}
}
