package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const usageHead = `akv-injector gives pods the Azure Key Vault secrets that their annotations ask for:
it is called by the API server when a pod is created, adds a Secrets Store CSI volume
and its mounts, writes the SecretProviderClass behind it, and refuses what would stop a
rotated secret from reaching the container.

Usage:
  akv-injector [flags]

Examples:
  # In a cluster, where the Helm chart runs it: certificate in /certs, pod's own account
  akv-injector --tenant-id=11111111-2222-3333-4444-555555555555

  # On a workstation, one replica, with a certificate of your own
  akv-injector --kubeconfig=$HOME/.kube/config --cert-dir=./certs --leader-elect=false --log-format=text

  # Settings from the environment
  AKV_INJECTOR_CLOUD=AzureChinaCloud AKV_INJECTOR_LOG_LEVEL=debug akv-injector
`

const usageFoot = `
Each flag but --help and --version has an environment variable (named beneath it). A flag beats its
variable; an empty variable is as good as none.

Ports: 9443 HTTPS /mutate-v1-pod, /validate-v1-pod, /validate-v1-workload,
/validate-v1-secretproviderclass; 8081 HTTP /healthz, /readyz (which says what is missing);
8080 HTTP /metrics.

Exit codes: 0 after SIGTERM or SIGINT, 1 when it could not go on, 2 for flags that make
no sense.
`

// usage is what --help prints.
func usage() string {
	var b strings.Builder
	b.WriteString(usageHead)
	for _, g := range (&options{}).groups() {
		fmt.Fprintf(&b, "\n%s:\n", g.title)
		g.flags.SortFlags = false
		g.flags.VisitAll(func(f *pflag.Flag) { writeFlag(&b, f) })
	}
	b.WriteString(usageFoot)
	return b.String()
}

// usageWidth suits a terminal of 100 columns.
const usageWidth = 88

func writeFlag(b *strings.Builder, f *pflag.Flag) {
	value, text := pflag.UnquoteUsage(f)
	b.WriteString("  ")
	if f.Shorthand != "" {
		b.WriteString("-" + f.Shorthand + ", ")
	}
	b.WriteString("--" + f.Name)
	if value != "" {
		b.WriteString(" " + value)
	}
	// The zero value of a flag says nothing that its text does not.
	if f.DefValue != "" && f.DefValue != "false" {
		fmt.Fprintf(b, " (default %s)", f.DefValue)
	}
	b.WriteString("\n")
	writeWrapped(b, text+".")
	if envOf(f.Name) != "" {
		b.WriteString("        " + envOf(f.Name) + "\n")
	}
}

// envOf is a flag's environment variable, or "".
func envOf(flag string) string {
	if slices.Contains(onCommandLine, flag) {
		return ""
	}
	return envName(flag)
}

func writeWrapped(b *strings.Builder, text string) {
	const indent = "        "
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString(indent)
		case column+1+len(word) > usageWidth-len(indent):
			b.WriteString("\n" + indent)
			column = 0
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteString("\n")
}
