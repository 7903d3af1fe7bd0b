package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"akv-injector/controller/refresh"
	"akv-injector/inject"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// namespaceFile is there in every pod with a service account token.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// maxShutdownDelay is longer than any endpoint takes to leave a Service. The pod's
// terminationGracePeriodSeconds has to be longer still.
const maxShutdownDelay = 5 * time.Minute

// maxVaultTimeout leaves a third of the longest time that the API server waits for a webhook.
const maxVaultTimeout = 20 * time.Second

// problems gathers what is wrong with the options, a line each.
type problems []string

func (p *problems) report(flag, value, problem string) {
	*p = append(*p, fmt.Sprintf("--%s=%q (or %s): %s", flag, value, envName(flag), problem))
}

func (p *problems) oneOf(flag, value string, known ...string) {
	if !slices.Contains(known, value) {
		p.report(flag, value, "write "+strings.Join(known, " or "))
	}
}

// validate returns everything that is wrong with the options.
func (o *options) validate() []string {
	var found problems
	o.validateSettings(&found)
	o.validateServing(&found)
	o.validateCertificates(&found)
	o.validateAddresses(&found)
	o.validateControllers(&found)
	o.validateRotation(&found)
	o.validateEvents(&found)
	o.validateVaultChecks(&found)
	return found
}

// extras are the extra workloads, which validate has checked.
func (o *options) extras() []workload.Extra {
	var all []workload.Extra
	for _, text := range o.extraWorkloads {
		if e, problem := workload.ParseExtra(text); !problem.Found() {
			all = append(all, e)
		}
	}
	return all
}

// validateSettings checks what pods and namespaces may set too, where they do not.
func (o *options) validateSettings(found *problems) {
	for _, text := range o.extraWorkloads {
		if _, problem := workload.ParseExtra(text); problem.Found() {
			found.report("extra-workload", text, problem.String())
		}
	}
	if v := o.settings.TenantID; v != "" {
		if problem := provider.TenantProblem(v); problem.Found() {
			found.report("tenant-id", v, problem.String())
		}
	}
	if v := o.settings.Cloud; v != "" {
		if problem := provider.CloudProblem(v); problem.Found() {
			found.report("cloud", v, problem.String())
		}
	}
	if problem := inject.DefaultFenceProblem(o.settings.AllowedVaults); problem.Found() {
		found.report("allowed-vaults", o.settings.AllowedVaults, problem.String())
	}
	if problem := inject.IdentityModeProblem(o.settings.IdentityMode); problem.Found() {
		found.report("identity-mode", o.settings.IdentityMode, problem.String())
	}
	if problem := provider.IntervalProblem(o.settings.RotationPollInterval); problem.Found() {
		found.report("rotation-poll-interval", o.settings.RotationPollInterval, problem.String())
	}
}

// validateServing checks how the webhooks are served, and what is logged of it.
func (o *options) validateServing(found *problems) {
	if o.webhookHost != "" && net.ParseIP(o.webhookHost) == nil {
		found.report("webhook-host", o.webhookHost, "not an IP address; leave it empty to listen on all")
	}
	if o.webhookPort < 1 || o.webhookPort > 65535 {
		found.report("webhook-port", strconv.Itoa(o.webhookPort), "not a TCP port; write a number from 1 to 65535")
	}
	if strings.TrimSpace(o.certDir) == "" {
		found.report("cert-dir", o.certDir, "empty; name the folder with tls.crt and tls.key")
	}
	found.oneOf("tls-min-version", o.tlsMinVersion, "1.2", "1.3")
	found.oneOf("log-level", o.logLevel, "debug", "info", "warn", "error")
	found.oneOf("log-format", o.logFormat, "json", "text")
	if o.shutdownDelay < 0 || o.shutdownDelay > maxShutdownDelay {
		found.report("shutdown-delay", o.shutdownDelay.String(), "write a duration from 0s to "+maxShutdownDelay.String())
	}
}

// validateControllers checks how the controllers reach and share the cluster.
func (o *options) validateControllers(found *problems) {
	if o.classGracePeriod <= 0 {
		found.report("class-grace-period", o.classGracePeriod.String(), "not positive; write a duration such as 10m")
	}
	if problems := content.IsDNS1123Label(o.driverNamespace); len(problems) > 0 {
		found.report("driver-namespace", o.driverNamespace, "not a namespace's name; "+strings.Join(problems, "; "))
	}
	if problems := content.IsDNS1123Label(o.checkNamespace); o.checkNamespace != "" && len(problems) > 0 {
		found.report("check-namespace", o.checkNamespace, "not a namespace's name; "+strings.Join(problems, "; "))
	}
	if o.leaderElect && o.leaderElectionNamespace == "" && !o.openGates && o.checkNamespace == "" {
		if _, err := os.Stat(namespaceFile); err != nil {
			found.report("leader-election-namespace", "", "empty, and the program does not run in a pod, whose namespace it could take; "+
				"name one, or set --leader-elect=false for a single replica")
		}
	}
	if o.kubeconfig != "" {
		if _, err := os.Stat(o.kubeconfig); err != nil {
			found.report("kubeconfig", o.kubeconfig, fmt.Sprintf("cannot be read (%v); name a file that is there", err))
		}
	}
}

// Bounds of what rotation may do a second. Above them the API server's and Key Vault's own limits
// (4,000 calls in 10 s and vault, of all callers together) come first.
const (
	maxNudges = 1000
	maxLooks  = 400
)

// validateRotation checks how rotation is driven.
func (o *options) validateRotation(found *problems) {
	found.oneOf("rotation", o.rotation, refresh.Modes()...)
	number := func(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }
	// NaN is in no range.
	if n := o.rotationNudges; !(n >= 0.1 && n <= maxNudges) {
		found.report("rotation-nudges-per-second", number(n), fmt.Sprintf("write a number from 0.1 to %d", maxNudges))
	}
	if n := o.rotationLooks; n != 0 && !(n >= 0.1 && n <= maxLooks) {
		found.report("rotation-vault-calls-per-second", number(n), fmt.Sprintf("write a number from 0.1 to %d, or 0 to ask no vault", maxLooks))
	}
}

// validateVaultChecks checks how vaults are queried.
func (o *options) validateVaultChecks(found *problems) {
	if problem := inject.VaultChecksProblem(o.settings.VaultChecks); problem.Found() {
		found.report("vault-checks", o.settings.VaultChecks, problem.String())
	}
	if d := o.settings.VaultExpiryWarning; d < 0 {
		found.report("vault-expiry-warning", d.String(), "negative; write a duration such as 336h, or 0 for never")
	}
	if d := o.vaultTimeout; d <= 0 || d > maxVaultTimeout {
		found.report("vault-timeout", d.String(), "write a duration above 0s and up to "+maxVaultTimeout.String()+", well below the timeoutSeconds of the webhook configurations")
	}
}

// validateAddresses checks the addresses beside the webhooks' own.
func (o *options) validateAddresses(found *problems) {
	ports := map[string]string{strconv.Itoa(o.webhookPort): "webhook-port"}
	for _, a := range []struct {
		flag, value string
		optional    bool
	}{
		{"health-probe-address", o.healthProbeAddress, false},
		{"metrics-address", o.metricsAddress, true},
		{"rotation-events-address", o.events.address, true},
		{"pprof-address", o.pprofAddress, true},
	} {
		if a.optional && (a.value == "0" || a.value == "") {
			continue
		}
		host, port, err := net.SplitHostPort(a.value)
		number, numberErr := strconv.Atoi(port)
		if err != nil || numberErr != nil || number < 0 || number > 65535 {
			found.report(a.flag, a.value, "not an address; write host:port, or :port for all addresses")
			continue
		}
		if ip := net.ParseIP(host); a.flag == "pprof-address" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			found.report(a.flag, a.value, "not a loopback address: profiles show what is in the memory; write 127.0.0.1:PORT")
			continue
		}
		// Port 0 is any free one.
		if other, taken := ports[port]; taken && number != 0 {
			found.report(a.flag, a.value, "the port is that of --"+other+"; choose another")
		}
		ports[port] = a.flag
	}
}
