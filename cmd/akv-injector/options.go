package main

import (
	"time"

	"github.com/spf13/pflag"

	"akv-injector/controller/refresh"
	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/keyvault"
	"akv-injector/webhook"
)

// options are the flags.
type options struct {
	settings inject.Settings

	webhookHost   string
	webhookPort   int
	certDir       string
	clientCAFile  string
	tlsMinVersion string
	shutdownDelay time.Duration

	healthProbeAddress string
	metricsAddress     string
	pprofAddress       string

	leaderElect             bool
	leaderElectionNamespace string
	classGracePeriod        time.Duration

	driverNamespace string

	rotation       string
	rotationNudges float64
	rotationLooks  float64
	restarts       bool
	extraWorkloads []string
	events         eventOptions
	certificates   certificateOptions

	mountedGates bool
	openGates    bool

	checkNamespace string

	vaultHints   bool
	vaultTimeout time.Duration

	kubeconfig string
	logLevel   string
	logFormat  string

	help    bool
	version bool
}

// group is flags that belong together in --help.
type group struct {
	title string
	flags *pflag.FlagSet
}

// groups binds o to its flags. A usage names the value in back quotes, as pflag
// has it.
func (o *options) groups() []group {
	pods := pflag.NewFlagSet("", pflag.ContinueOnError)
	pods.StringVar(&o.settings.TenantID, "tenant-id", "",
		"`tenant` of the vaults, a GUID or a domain name. Without it, the ServiceAccount's azure.workload.identity/tenant-id")
	pods.StringVar(&o.settings.Cloud, "cloud", "",
		"Azure `cloud` of the vaults, such as AzureUSGovernmentCloud. Without it, "+provider.DefaultCloud)
	pods.StringVar(&o.settings.RotationPollInterval, "rotation-poll-interval", provider.DefaultInterval,
		"`duration` between looks for a new version of a secret, at least 10s")
	pods.StringVar(&o.settings.IdentityMode, "identity-mode", annotation.IdentityFederated,
		"`way` to reach identities where neither pod nor namespace names one: federated, binding or auto")
	pods.StringVar(&o.settings.AllowedVaults, "allowed-vaults", "",
		"`globs` of the vaults that namespaces without the annotation allowed-vaults may use, such as {namespace}-*,shared-kv; {namespace} stands for their name. Without it, any")
	pods.BoolVar(&o.settings.ForbidAllow, "forbid-allow", false,
		"refuse the annotation allow, so that no rule can be waived")

	pods.StringSliceVar(&o.extraWorkloads, "extra-workload", nil,
		"`kind` of another API group whose templates are checked too, as RESOURCE.VERSION.GROUP=PATH: rollouts.v1alpha1.argoproj.io=spec.template. May be given more than once, and needs a rule in the webhook configuration")

	server := pflag.NewFlagSet("", pflag.ContinueOnError)
	server.StringVar(&o.webhookHost, "webhook-host", "",
		"`IP` address to listen on; all without it")
	server.IntVar(&o.webhookPort, "webhook-port", 9443,
		"TCP `port` for admission requests")
	server.StringVar(&o.certDir, "cert-dir", "/certs",
		"`folder` with tls.crt and tls.key, read again when they change, and waited for when they are missing")
	server.StringVar(&o.tlsMinVersion, "tls-min-version", "1.3",
		"oldest TLS `version` to accept, 1.2 or 1.3")
	server.StringVar(&o.clientCAFile, "client-ca-file", "",
		"`file` with the CA of the API server's client certificate, for clusters whose API server shows one to webhooks. Without it, whoever reaches the port is answered")
	server.DurationVar(&o.shutdownDelay, "shutdown-delay", 5*time.Second,
		"`duration` for which a stopping replica, already unready, goes on answering")

	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.certificates.bind(own)

	observe := pflag.NewFlagSet("", pflag.ContinueOnError)
	observe.StringVar(&o.healthProbeAddress, "health-probe-address", ":8081",
		"`address` for /healthz and /readyz")
	observe.StringVar(&o.metricsAddress, "metrics-address", ":8080",
		"`address` for /metrics; 0 turns it off")
	observe.StringVar(&o.pprofAddress, "pprof-address", "",
		"loopback `address` for /debug/pprof/, such as 127.0.0.1:6060, to be reached with kubectl port-forward. Without it, none is served")
	observe.StringVar(&o.logLevel, "log-level", "info",
		"`level` of the log: debug, info, warn or error")
	observe.StringVar(&o.logFormat, "log-format", "json",
		"`format` of the log: json or text")

	classes := pflag.NewFlagSet("", pflag.ContinueOnError)
	classes.BoolVar(&o.leaderElect, "leader-elect", true,
		"let one replica at a time collect SecretProviderClasses; needed with more than one replica")
	classes.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", "",
		"`namespace` of the Lease by which they agree. Without it, the namespace of the pod that the program runs in")
	classes.DurationVar(&o.classGracePeriod, "class-grace-period", 10*time.Minute,
		"`duration` for which a generated SecretProviderClass that no pod names is kept")

	driver := pflag.NewFlagSet("", pflag.ContinueOnError)
	driver.StringVar(&o.driverNamespace, "driver-namespace", webhook.DefaultDriverNamespace,
		"`namespace` of the Secrets Store CSI driver's DaemonSet, whose flags say how often secrets are really rotated")

	rotation := pflag.NewFlagSet("", pflag.ContinueOnError)
	rotation.StringVar(&o.rotation, "rotation", refresh.ModeDrive,
		"`mode` of making rotationPollInterval true: off, observe (measure, and change no pod), or drive (patch an annotation of pods with an older version, so that the kubelet asks the driver at once; from driver 1.6 on)")
	rotation.Float64Var(&o.rotationNudges, "rotation-nudges-per-second", refresh.DefaultNudges,
		"`number` of pods a second that are patched at most")
	rotation.Float64Var(&o.rotationLooks, "rotation-vault-calls-per-second", keyvault.DefaultCallsPerSecond,
		"`number` of calls a second to one vault at most, to look for new versions. Only vaults that a fence names are asked; 0 asks none")
	rotation.BoolVar(&o.restarts, "restarts", false,
		"restart the workloads of pods that ask for it (annotation on-rotation) when their secrets were rotated")

	gates := pflag.NewFlagSet("", pflag.ContinueOnError)
	gates.BoolVar(&o.mountedGates, "mounted-gates", false,
		"give pods that ask for it (annotation mounted-gate) the readiness gate "+annotation.ConditionMounted+", and open it when the CSI driver has mounted their secrets")
	gates.BoolVar(&o.openGates, "open-mounted-gates", false,
		"open the gates of all pods, and exit: before akv-injector is uninstalled")

	check := pflag.NewFlagSet("", pflag.ContinueOnError)
	check.StringVar(&o.checkNamespace, "check-namespace", "",
		"`namespace`, opted in, where two pods are created as a dry run, and exit: 0 if one gets what it asks for and the other is refused for what is wrong with it, 1 if that is not so within two minutes (helm test). Needs the right to create pods there")

	pushed := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.events.bind(pushed)

	vaults := pflag.NewFlagSet("", pflag.ContinueOnError)
	vaults.StringVar(&o.settings.VaultChecks, "vault-checks", inject.VaultChecksOff,
		"`mode` in which vaults are asked whether the objects are there (AKV020), where a namespace does not say: off, warn or enforce. "+
			"Only vaults that the namespace's allowed-vaults matches are asked")
	vaults.DurationVar(&o.settings.VaultExpiryWarning, "vault-expiry-warning", inject.DefaultVaultExpiryWarning,
		"`duration` before an object expires from which on there is a warning; 0 is never")
	vaults.BoolVar(&o.vaultHints, "vault-hints", false,
		"name the nearest objects of the vault where one is missing. Whoever may create pods in the namespace learns names from it")
	vaults.DurationVar(&o.vaultTimeout, "vault-timeout", webhook.DefaultVaultBudget,
		"`duration` for which an admission request waits for vaults at most. What has not been answered by then was not checked")

	program := pflag.NewFlagSet("", pflag.ContinueOnError)
	program.StringVar(&o.kubeconfig, "kubeconfig", "",
		"`file` that says how to reach the API server. Without it, $KUBECONFIG, ~/.kube/config, or the pod's service account")
	program.BoolVar(&o.version, "version", false, "print the version and exit")
	program.BoolVarP(&o.help, "help", "h", false, "print this and exit")

	return []group{
		{"What pods get, where neither they nor their namespace say so", pods},
		{"Admission requests", server},
		{"Certificates that it makes itself", own},
		{"Probes, metrics and log", observe},
		{"Generated SecretProviderClasses", classes},
		{"Secrets Store CSI driver", driver},
		{"Rotation", rotation},
		{"Rotation: events of Azure Event Grid", pushed},
		{"Readiness gate", gates},
		{"Check of an installation", check},
		{"Vaults", vaults},
		{"Program", program},
	}
}
