package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"akv-injector/controller"
	"akv-injector/controller/mounted"
	"akv-injector/controller/refresh"
	"akv-injector/controller/restart"
	"akv-injector/inject/provider"
	"akv-injector/internal/serving"
	"akv-injector/webhook"
)

// certificateRetry is how often the certificate's files are read again, whether or not
// the file system reports a change.
const certificateRetry = 10 * time.Second

// A replica that cannot renew its lease exits, and pods then wait for its admission. So an
// API server that is slow, or down for an upgrade, is tolerated for more than a minute
// (controller-runtime's default is 10 s). The price: when a leader dies without releasing
// the lease, unused classes are collected later. Restoring classes needs no leader.
const (
	renewDeadline = 107 * time.Second
	leaseDuration = 137 * time.Second
)

// run serves until stop ends, and for --shutdown-delay longer.
func run(stop context.Context, o options, log logr.Logger) error {
	log.Info("starting", "version", version)
	config, err := restConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	drain := serving.NewDrain(o.shutdownDelay)
	ctx := drain.After(stop)
	certificate, err := startCertificate(ctx, o, config, log.WithName("certificate"))
	if err != nil {
		return err
	}
	apiServer := serving.NewAPIServer(clusterRetry, log)
	probes := serving.NewProbes(log.WithName("readiness"))
	probes.Add("shutdown", drain.Ready)
	probes.Add("cluster", apiServer.Ready)
	probes.Add("certificate", certificate.Ready)
	server := &serving.ServerCheck{}
	probes.Add("webhook server", server.Ready)

	// Probes start first and stop last: they report what everything else waits for.
	closeProbes, err := probes.Serve(stop, o.healthProbeAddress)
	if err != nil {
		return fmt.Errorf("--health-probe-address: %w", err)
	}
	defer closeProbes()

	if _, set := os.LookupEnv("GOGC"); !set {
		go serving.NewGarbage().Run(ctx)
	}
	if !apiServer.Await(stop, askVersion(config)) {
		return nil // stopped before it began
	}

	for name, reach := range map[string]*serving.Reach{
		"api server":                serving.NewReach(askVersion(config), reachEvery, reachPatience),
		"secretproviderclasses crd": serving.NewReach(askClassCRD(config), reachEvery, crdPatience),
	} {
		probes.Add(name, reach.Ready)
		go reach.Run(ctx)
	}

	scheme, err := newScheme()
	if err != nil {
		return err
	}
	webhooks, err := webhookServer(o, certificate, log.WithName("webhooks"))
	if err != nil {
		return fmt.Errorf("--client-ca-file: %w", err)
	}
	mgr, err := manager.New(config, manager.Options{
		Scheme:                        scheme,
		Logger:                        log,
		Cache:                         cacheOptions(o),
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddress},
		PprofBindAddress:              o.pprofAddress,
		WebhookServer:                 webhooks,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              "akv-injector",
		LeaderElectionNamespace:       o.leaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true, // nothing runs behind Start that could still write
		LeaseDuration:                 new(leaseDuration),
		RenewDeadline:                 new(renewDeadline),
	})
	if err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	if err := setUp(ctx, mgr, o, drain, probes, log); err != nil {
		return err
	}
	ctrlmetrics.Registry.MustRegister(serving.ExpiryMetric(certificate.Leaf))
	server.Use(serving.Check(mgr.GetWebhookServer().StartedChecker()))
	return mgr.Start(ctx)
}

// setUp adds the handlers, the caches and the controllers.
func setUp(ctx context.Context, mgr manager.Manager, o options, drain *serving.Drain, probes *serving.Probes, log logr.Logger) error {
	ownUser, err := ownServiceAccount(ctx, mgr.GetClient())
	if err != nil {
		// The webhook configurations leave our own requests out already.
		log.Error(err, "going on without knowing our own name")
	}
	settings := o.settings
	settings.Version = version
	settings.DrivesRotation = o.rotation == refresh.ModeDrive
	settings.Restarts = o.restarts
	classes := controller.Options{Grace: o.classGracePeriod, AllowedVaults: o.settings.AllowedVaults}
	classes.Classes = controller.NewClassWriter(mgr, classes)
	classes.Pods, classes.Recorded = controller.NewLivePods(mgr.GetAPIReader()), controller.NewRecorded()
	driver := webhook.DriverFlags(mgr.GetCache(), o.driverNamespace, log.WithName("driver"))
	var gateWorks func() bool
	if o.mountedGates {
		gater, err := mounted.Add(mgr, log.WithName("gates"))
		if err != nil {
			return fmt.Errorf("adding readiness gates: %w", err)
		}
		gateWorks = gater.Works
	}
	meter := controller.NewMeter()
	if err := meter.Watch(ctx, mgr.GetCache()); err != nil {
		return err
	}
	starter := controller.NewStarter(mgr, classes)
	webhook.New(webhook.Options{
		MountedGate: gateWorks,
		Cached:      mgr.GetCache(),
		Live:        mgr.GetAPIReader(),
		Driver:      driver,
		MountedBy:   controller.MountedBy(classes.Pods),
		SyncedBy:    controller.SyncedBy(mgr.GetCache(), func() bool { return starter.Ready(nil) == nil }),
		MayUse:      webhook.Permissions(mgr.GetClient()),
		Calls:       meter.Calls,
		Vaults:      newVaults(o, log.WithName("vaults")),
		VaultBudget: o.vaultTimeout,
		VaultHints:  o.vaultHints,
		Settings:    settings,
		OwnUser:     ownUser,

		ExtraWorkloads: o.extras(),
		Ensure:         classes.Classes.EnsureClass,
		Refusal:        controller.Refusal,
		Log:            log.WithName("admission"),
		Metrics:        webhook.NewMetrics(ctrlmetrics.Registry, version),
	}).Register(drain.Closing(mgr.GetWebhookServer()))

	for _, kind := range cachedKinds() {
		probes.Add(kind.check, serving.Synced(mgr.GetCache(), kind.object, kind.fix))
		// Starts to fill the cache now. The readiness check reports an error.
		_, _ = mgr.GetCache().GetInformer(ctx, kind.object, cache.BlockUntilSynced(false))
	}
	// Readiness does not depend on the driver's flags: they only make warnings more exact.
	_, _ = mgr.GetCache().GetInformer(ctx, &appsv1.DaemonSet{}, cache.BlockUntilSynced(false))

	refresher, err := refresh.Add(mgr, refresh.Options{
		Mode: o.rotation, Nudges: o.rotationNudges, AllowedVaults: o.settings.AllowedVaults,
		OwnNamespace: o.leaderElectionNamespace, CallsPerVault: o.rotationLooks, ExpiryWarning: o.settings.VaultExpiryWarning,
		Driver: func() *provider.Driver { return driver(ctx) },
		Vaults: rotationVaults(o, log.WithName("rotation")),
		Heard:  classes.Recorded.Hear,
	}, log.WithName("rotation"))
	if err != nil {
		return fmt.Errorf("adding rotation: %w", err)
	}
	if err := addEvents(ctx, mgr, o, refresher, log.WithName("events")); err != nil {
		return fmt.Errorf("adding events: %w", err)
	}

	if o.restarts {
		if err := restart.Add(mgr, o.leaderElectionNamespace, log.WithName("restarts")); err != nil {
			return fmt.Errorf("adding restarts: %w", err)
		}
	}

	probes.Add("controllers", starter.Ready)
	if err := mgr.Add(starter); err != nil {
		return fmt.Errorf("adding the controllers: %w", err)
	}
	return nil
}

func webhookServer(o options, certificate servingCertificate, log logr.Logger) (ctrlwebhook.Server, error) {
	config := &tls.Config{
		// validate knows the names.
		MinVersion:     map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[o.tlsMinVersion],
		GetCertificate: certificate.Get,
	}
	if o.clientCAFile != "" {
		require, err := serving.RequireClientCA(o.clientCAFile)
		if err != nil {
			return nil, err
		}
		require(config)
	}
	return serving.NewWebhookServer(o.webhookHost, o.webhookPort, config, log), nil
}
