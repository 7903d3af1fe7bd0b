// The azure command runs the stand-in for Azure in the foreground, and prints what
// clients of it need. The command az administers it.
package main

import (
	"context"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/cli"
	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/entra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var (
		options azure.Options
		name    string
		cas     string
		quiet   bool
	)
	flags := flag.NewFlagSet("azure", flag.ExitOnError)
	flags.StringVar(&options.Address, "address", "127.0.0.1", "IP `address` to listen on, that host names resolve to")
	flags.IntVar(&options.HTTPSPort, "https-port", 443, "`port` of all hosts; 0 is any free one")
	flags.IntVar(&options.DNSPort, "dns-port", 0, "`port` of DNS, with UDP and TCP; 0 is any free one")
	flags.StringVar(&options.AdminSocket, "socket", "", "`path` of the admin socket (default admin.sock in -dir)")
	flags.StringVar(&options.Dir, "dir", "", "`folder` for the certificate (default one of its own)")
	flags.StringVar(&options.TenantID, "tenant", "", "tenant `id` (default a random one)")
	flags.StringVar(&name, "cloud", string(cloud.Public), "cloud `name`")
	flags.StringVar(&cas, "issuer-ca", "", "PEM `file` of authorities that token issuers have their certificates from")
	flags.DurationVar(&options.TokenLifetime, "token-lifetime", entra.DefaultTokenLifetime, "`lifetime` of access tokens")
	flags.BoolVar(&quiet, "quiet", false, "do not log requests")
	if err := flags.Parse(args); err != nil {
		return err
	}
	options.Cloud = cloud.Name(name)
	if !quiet {
		options.Log = stderr
	}
	if cas != "" {
		pem, err := os.ReadFile(cas)
		if err != nil {
			return err
		}
		options.IssuerCAs = x509.NewCertPool()
		if !options.IssuerCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s has no certificate in PEM", cas)
		}
	}
	server, err := azure.Start(ctx, options)
	if err != nil {
		return err
	}
	show(stdout, server.Info())
	<-ctx.Done()
	return server.Stop()
}

// show prints what a shell can take as it is, and what it is for beside it.
func show(w io.Writer, info admin.Info) {
	fmt.Fprintf(w, "# Azure is at %s for every host, DNS at %s. Ctrl-C ends it.\n", info.HTTPSAddress, info.DNSAddress)
	for _, variable := range []struct{ name, value, use string }{
		{cli.SocketVariable, info.AdminSocket, "where az administers it"},
		{"SSL_CERT_FILE", info.CAFile, "what clients have to trust"},
		{"AZURE_TENANT_ID", info.TenantID, "tenant of identities and vaults"},
		{"AZURE_SUBSCRIPTION_ID", info.SubscriptionID, "subscription of scopes"},
		{"AZURE_AUTHORITY_HOST", info.LoginEndpoint + "/", "Entra ID of " + string(info.Cloud)},
	} {
		fmt.Fprintf(w, "export %s=%s # %s\n", variable.name, variable.value, variable.use)
	}
}
