package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"akv-injector/internal/certificates"
	"akv-injector/internal/serving"
)

// certificateOptions are the flags about certificates that the program makes itself.
type certificateOptions struct {
	secret   string
	webhooks string
	names    []string
	times    certificates.Times
}

func (o *certificateOptions) bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.secret, "certificate-secret", "",
		"`Secret` in the namespace of the Lease in which the program keeps a CA of its own and a certificate, which it serves in place of that in --cert-dir. It has to be there, and may be empty. Without it, no certificate is made")
	flags.StringVar(&o.webhooks, "certificate-webhooks", "akv-injector",
		"`name` of the webhook configurations that get the CA")
	flags.StringSliceVar(&o.names, "certificate-names", nil,
		"`names` that the certificate is for, or IP addresses. Without them, akv-injector.NAMESPACE.svc")
	const day = 24 * time.Hour
	flags.DurationVar(&o.times.Leaf, "certificate-validity", 30*day,
		"`duration` for which a certificate is valid. It is renewed when a third is left")
	flags.DurationVar(&o.times.CA, "certificate-ca-validity", 365*day,
		"`duration` for which a CA is valid, at least twice that of certificates")
	flags.DurationVar(&o.times.Pause, "certificate-ca-pause", 10*time.Second,
		"`duration` for which all webhook configurations have had a CA before it signs, so that every API server knows it")
	flags.DurationVar(&o.times.Keep, "certificate-ca-keep", time.Hour,
		"`duration` for which a CA stays in the webhook configurations when another one signs")
}

// validateCertificates checks how certificates are made.
func (o *options) validateCertificates(found *problems) {
	c := &o.certificates
	if c.secret == "" {
		return
	}
	if bad := content.IsDNS1123Subdomain(c.secret); len(bad) > 0 {
		found.report("certificate-secret", c.secret, "not a Secret's name; "+strings.Join(bad, "; "))
	}
	if bad := content.IsDNS1123Subdomain(c.webhooks); len(bad) > 0 {
		found.report("certificate-webhooks", c.webhooks, "not the name of webhook configurations; "+strings.Join(bad, "; "))
	}
	for _, name := range c.names {
		if bad := content.IsDNS1123Subdomain(name); len(bad) > 0 && net.ParseIP(name) == nil {
			found.report("certificate-names", name, "neither a DNS name nor an IP address")
		}
	}
	if err := (&certificates.Options{Times: c.times}).Check(); err != nil {
		found.report("certificate-validity", c.times.Leaf.String(), err.Error())
	}
	if o.ownNamespace() == "" {
		found.report("certificate-secret", c.secret, "its namespace is not known; name it with --leader-election-namespace")
	}
}

// ownNamespace is that of the Lease and of the program's own Secret; empty if it is not known.
func (o *options) ownNamespace() string {
	if o.leaderElectionNamespace != "" {
		return o.leaderElectionNamespace
	}
	text, err := os.ReadFile(namespaceFile)
	if err != nil {
		return "" // it does not run in a pod
	}
	return strings.TrimSpace(string(text))
}

// servingCertificate is what the webhooks serve.
type servingCertificate interface {
	Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	Leaf() (*x509.Certificate, error)
	Ready(r *http.Request) error
}

// startCertificate begins to follow the certificate, in files or in a Secret, and to keep the Secret.
func startCertificate(ctx context.Context, o options, config *rest.Config, log logr.Logger) (servingCertificate, error) {
	if o.certificates.secret == "" {
		files := serving.NewCertificate(o.certDir, certificateRetry, log)
		go files.Run(ctx)
		return files, nil
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	options := certificates.Options{
		Client: client, Namespace: o.ownNamespace(), Secret: o.certificates.secret, Webhooks: o.certificates.webhooks,
		Names: o.certificates.names, Times: o.certificates.times, Log: log,
	}
	if len(options.Names) == 0 {
		options.Names = []string{"akv-injector." + options.Namespace + ".svc"}
	}
	follower, keeper := certificates.NewFollower(options), certificates.NewKeeper(options)
	ctrlmetrics.Registry.MustRegister(follower.Metric())
	go func() {
		if err := follower.Run(ctx, keeper.Changed); err != nil {
			log.Error(err, "the certificate is no longer followed")
		}
	}()
	if !o.leaderElect {
		go keeper.Keep(ctx)
		return follower, nil
	}
	go func() {
		if err := keeper.Lead(ctx, o.certificates.secret); err != nil {
			log.Error(err, "certificates are no longer kept")
		}
	}()
	return follower, nil
}
