package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"akv-injector/inject"
	"akv-injector/internal/certificates"
	"akv-injector/keyvault/events"
)

func environment(vars map[string]string) lookupEnv {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

// alone makes options valid outside a cluster.
const alone = "--leader-elect=false"

func defaults() options {
	return options{
		settings:           inject.Settings{IdentityMode: "federated", RotationPollInterval: "2m", VaultChecks: "off", VaultExpiryWarning: 336 * time.Hour},
		webhookPort:        9443,
		certDir:            "/certs",
		tlsMinVersion:      "1.3",
		shutdownDelay:      5 * time.Second,
		healthProbeAddress: ":8081",
		metricsAddress:     ":8080",
		classGracePeriod:   10 * time.Minute,
		driverNamespace:    "kube-system",
		rotation:           "drive",
		rotationNudges:     20,
		rotationLooks:      20,
		events:             eventOptions{certDir: "/events-certs", senders: events.Senders{AppID: events.EventGridAppID}},
		certificates:       certificateOptions{webhooks: "akv-injector", times: certificates.Times{Leaf: 720 * time.Hour, CA: 8760 * time.Hour, Pause: 10 * time.Second, Keep: time.Hour}},
		vaultTimeout:       time.Second,
		logLevel:           "info",
		logFormat:          "json",
	}
}

func TestParseOptions(t *testing.T) {
	cases := map[string]struct {
		args []string
		env  map[string]string
		want func(*options)
	}{
		"defaults": {args: []string{alone}, want: func(*options) {}},
		"the chart's": {
			args: []string{
				"--webhook-port=9443", "--cert-dir=/certs", "--health-probe-address=:8081", "--metrics-address=:8080", "--leader-elect=true",
				"--leader-election-namespace=akv-injector-system", "--shutdown-delay=5s", "--tenant-id=11111111-2222-3333-4444-555555555555",
				"--cloud=AzurePublicCloud", "--rotation-poll-interval=2m", "--class-grace-period=10m", "--forbid-allow=false", "--driver-namespace=kube-system", "--rotation=drive", "--rotation-nudges-per-second=20", "--rotation-vault-calls-per-second=20", "--vault-checks=off", "--vault-expiry-warning=336h", "--vault-hints=false", "--vault-timeout=1s", "--log-level=info", "--log-format=json",
			},
			want: func(o *options) {
				o.leaderElect, o.leaderElectionNamespace = true, "akv-injector-system"
				o.settings.TenantID, o.settings.Cloud = "11111111-2222-3333-4444-555555555555", "AzurePublicCloud"
			},
		},
		"environment": {
			env: map[string]string{
				"AKV_INJECTOR_LEADER_ELECT": "false", "AKV_INJECTOR_WEBHOOK_PORT": "1234", "AKV_INJECTOR_SHUTDOWN_DELAY": "1m",
				"AKV_INJECTOR_FORBID_ALLOW": "true", "AKV_INJECTOR_LOG_FORMAT": "text",
			},
			want: func(o *options) {
				o.webhookPort, o.shutdownDelay, o.settings.ForbidAllow, o.logFormat = 1234, time.Minute, true, "text"
			},
		},
		"a flag beats the environment": {
			args: []string{alone, "--log-level=warn"},
			env:  map[string]string{"AKV_INJECTOR_LOG_LEVEL": "debug", "AKV_INJECTOR_LEADER_ELECT": "true"},
			want: func(o *options) { o.logLevel = "warn" },
		},
		"an empty variable is none": {
			args: []string{alone},
			env:  map[string]string{"AKV_INJECTOR_LOG_LEVEL": "", "AKV_INJECTOR_TENANT_ID": ""},
			want: func(*options) {},
		},
		// Kubernetes writes these for a Service akv-injector.
		"variables of a Service": {
			args: []string{alone},
			env:  map[string]string{"AKV_INJECTOR_PORT": "tcp://10.0.0.1:443", "AKV_INJECTOR_SERVICE_HOST": "10.0.0.1", "AKV_INJECTOR_METRICS_PORT": "tcp://10.0.0.2:8080"},
			want: func(*options) {},
		},
		"no metrics": {args: []string{alone, "--metrics-address=0"}, want: func(o *options) { o.metricsAddress = "0" }},
		"any ports":  {args: []string{alone, "--metrics-address=127.0.0.1:0", "--health-probe-address=[::1]:0"}, want: func(o *options) { o.metricsAddress, o.healthProbeAddress = "127.0.0.1:0", "[::1]:0" }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, problems := parseOptions(c.args, environment(c.env))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			want := defaults()
			c.want(&want)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(options{}, certificateOptions{}, eventOptions{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Each mistake is told, with its name and what to write; all of them at once.
func TestProblems(t *testing.T) {
	cases := map[string]struct {
		args []string
		env  map[string]string
		want []string // patterns, one a problem
	}{
		"unknown flag":        {args: []string{alone, "--wehbook-port=1"}, want: []string{"unknown flag: --wehbook-port"}},
		"an argument":         {args: []string{"--leader-elect", "false", "--leader-election-namespace=a"}, want: []string{`"false".*flags only`}},
		"not a number":        {args: []string{alone, "--webhook-port=x"}, want: []string{`^--webhook-port="x": write a whole number`}},
		"not a port":          {args: []string{alone, "--webhook-port=65536"}, want: []string{"--webhook-port.*1 to 65535"}},
		"not a duration":      {args: []string{alone, "--shutdown-delay=5"}, want: []string{`--shutdown-delay="5": write a number with a unit`}},
		"negative delay":      {args: []string{alone, "--shutdown-delay=-1s"}, want: []string{"--shutdown-delay.*0s to 5m"}},
		"delay too long":      {args: []string{alone, "--shutdown-delay=1h"}, want: []string{"--shutdown-delay.*0s to 5m"}},
		"no driver namespace": {args: []string{alone, "--driver-namespace=Kube System"}, want: []string{"--driver-namespace.*not a namespace's name"}},
		"no grace":            {args: []string{alone, "--class-grace-period=0s"}, want: []string{"--class-grace-period.*positive"}},
		"tenant":              {args: []string{alone, "--tenant-id=not a tenant"}, want: []string{"--tenant-id.*AKV_INJECTOR_TENANT_ID"}},
		"cloud":               {args: []string{alone, "--cloud=Azure"}, want: []string{"--cloud.*AzureChinaCloud"}},
		"interval":            {args: []string{alone, "--rotation-poll-interval=9s"}, want: []string{"--rotation-poll-interval.*at least 10s"}},
		"rotation":            {args: []string{alone, "--rotation=on"}, want: []string{"--rotation=.*off or observe or drive"}},
		"queue":               {args: []string{alone, "--rotation-queue=http://acct.queue.core.windows.net/q"}, want: []string{"--rotation-queue=.*https://ACCOUNT"}},
		"queue, no rotation":  {args: []string{alone, "--rotation=off", "--rotation-queue=https://account.queue.core.windows.net/events"}, want: []string{"--rotation=.*events are of no use"}},
		"events, no tenant":   {args: []string{alone, "--rotation-events-address=:9444"}, want: []string{"--rotation-events-address=.*tenant.*GUID"}},
		"events, no audience": {args: []string{alone, "--rotation-events-address=:9444", "--rotation-events-tenant-id=11111111-2222-3333-4444-555555555555"}, want: []string{"audience"}},
		"events, peers":       {args: []string{alone, "--rotation-events-address=:9444", "--rotation-events-tenant-id=11111111-2222-3333-4444-555555555555", "--rotation-events-audience=api://a", "--rotation-events-peers=x"}, want: []string{"--rotation-events-peers=.*host:port"}},
		"events, port taken":  {args: []string{alone, "--rotation-events-address=:9443", "--rotation-events-tenant-id=11111111-2222-3333-4444-555555555555", "--rotation-events-audience=api://a"}, want: []string{"--rotation-events-address=.*the port is that of --webhook-port"}},
		"no nudges":           {args: []string{alone, "--rotation-nudges-per-second=0"}, want: []string{"--rotation-nudges-per-second.*0.1 to 1000"}},
		"nudges without end":  {args: []string{alone, "--rotation-nudges-per-second=Inf"}, want: []string{"--rotation-nudges-per-second.*0.1 to 1000"}},
		"looks are no number": {args: []string{alone, "--rotation-vault-calls-per-second=NaN"}, want: []string{"--rotation-vault-calls-per-second.*0 to ask no vault"}},
		"vault checks":        {args: []string{alone, "--vault-checks=on"}, want: []string{"--vault-checks.*off, warn, enforce"}},
		"expiry in the past":  {args: []string{alone, "--vault-expiry-warning=-1h"}, want: []string{"--vault-expiry-warning.*negative"}},
		"no time for vaults":  {args: []string{alone, "--vault-timeout=0s"}, want: []string{"--vault-timeout.*above 0s"}},
		"all time for vaults": {args: []string{alone, "--vault-timeout=30s"}, want: []string{"--vault-timeout.*timeoutSeconds"}},
		"host":                {args: []string{alone, "--webhook-host=localhost"}, want: []string{"--webhook-host.*IP"}},
		"pprof for all":       {args: []string{alone, "--pprof-address=:6060"}, want: []string{"--pprof-address.*loopback"}},
		"pprof elsewhere":     {args: []string{alone, "--pprof-address=10.0.0.1:6060"}, want: []string{"--pprof-address.*loopback"}},
		"certificates": {
			args: []string{alone, "--certificate-secret=A_b", "--certificate-names=a_b", "--certificate-webhooks=", "--certificate-validity=1h", "--certificate-ca-validity=1h"},
			want: []string{"--certificate-secret.*not a Secret", "--certificate-webhooks", "--certificate-names.*neither", "--certificate-validity.*twice", "--certificate-secret.*namespace is not known"},
		},
		"no cert-dir":        {args: []string{alone, "--cert-dir="}, want: []string{"--cert-dir.*tls.crt"}},
		"TLS 1.1":            {args: []string{alone, "--tls-min-version=1.1"}, want: []string{"--tls-min-version.*1.2 or 1.3"}},
		"address":            {args: []string{alone, "--health-probe-address=8081"}, want: []string{"--health-probe-address.*host:port"}},
		"probes are needed":  {args: []string{alone, "--health-probe-address=0"}, want: []string{"--health-probe-address.*host:port"}},
		"named port":         {args: []string{alone, "--metrics-address=:http"}, want: []string{"--metrics-address.*host:port"}},
		"one port for two":   {args: []string{alone, "--metrics-address=:9443"}, want: []string{"--metrics-address.*--webhook-port"}},
		"nowhere to elect":   {want: []string{"--leader-election-namespace.*--leader-elect=false"}},
		"no such kubeconfig": {args: []string{alone, "--kubeconfig=/no/such/file"}, want: []string{"--kubeconfig.*no such file"}},
		"environment": {
			args: []string{alone},
			env:  map[string]string{"AKV_INJECTOR_FORBID_ALLOW": "perhaps", "AKV_INJECTOR_LOG_LEVEL": "loud"},
			want: []string{`^AKV_INJECTOR_FORBID_ALLOW="perhaps": write true or false`, "--log-level.*AKV_INJECTOR_LOG_LEVEL.*debug or info"},
		},
		"all at once": {
			args: []string{alone, "--webhook-port=x", "--shutdown-delay=x", "--cloud=x", "--log-format=x"},
			want: []string{"--webhook-port", "--shutdown-delay", "--cloud", "--log-format"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, problems := parseOptions(c.args, environment(c.env))
			if len(problems) != len(c.want) {
				t.Fatalf("%d problems, want %d: %q", len(problems), len(c.want), problems)
			}
			for i, pattern := range c.want {
				if !regexp.MustCompile(pattern).MatchString(problems[i]) {
					t.Errorf("%q does not match %q", problems[i], pattern)
				}
			}
		})
	}
}

func TestStart(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(empty, []byte("}"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"help":             {args: []string{"--help"}, stdout: "Usage:"},
		"-h":               {args: []string{"-h"}, stdout: "Usage:"},
		"help with errors": {args: []string{"--help", "--webhook-port=x"}, stdout: "Usage:"},
		"version":          {args: []string{"--version"}, stdout: "akv-injector dev\n"},
		"bad flags":        {args: []string{alone, "--cloud=x", "--log-level=x"}, code: 2, stderr: "akv-injector: --log-level="},
		"no cluster":       {args: []string{alone, "--kubeconfig=" + empty}, code: 1, stderr: "--kubeconfig"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := start(c.args, environment(nil), &stdout, &stderr); code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, out := range []struct{ name, got, want string }{{"stdout", stdout.String(), c.stdout}, {"stderr", stderr.String(), c.stderr}} {
				if !strings.Contains(out.got, out.want) || out.want == "" && out.got != "" {
					t.Errorf("%s is %q, want %q in it", out.name, out.got, out.want)
				}
			}
		})
	}
}

func TestUsage(t *testing.T) {
	text := usage()
	for _, g := range (&options{}).groups() {
		g.flags.VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(text, "--"+f.Name) {
				t.Errorf("--%s is not in it", f.Name)
			}
			if got := strings.Contains(text, envName(f.Name)); got == slices.Contains(onCommandLine, f.Name) {
				t.Errorf("%s in it: %v", envName(f.Name), got)
			}
		})
	}
	for i, l := range strings.Split(text, "\n") {
		if len(l) > 110 || strings.TrimRight(l, " ") != l {
			t.Errorf("line %d: %q", i+1, l)
		}
	}
}
