package cli

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/entra"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/front"
)

// standIn are the commands that Azure has not.
func (s *invocation) standIn() *cobra.Command {
	return group("stand-in", "What only the stand-in can do",
		s.command("info", "Show where the stand-in is", func(ctx context.Context, c *admin.Client) (any, error) { return c.Info(ctx) }),
		s.command("pause", "Make Azure unreachable", func(ctx context.Context, c *admin.Client) (any, error) { return nil, c.Pause(ctx) }),
		s.command("resume", "Make Azure reachable again", func(ctx context.Context, c *admin.Client) (any, error) { return nil, c.Resume(ctx) }),
		s.audit(), s.tokenLifetime(), s.trustIssuer(),
		group("fault", "What goes wrong", s.setFault(), s.clearFault()),
	)
}

func (s *invocation) audit() *cobra.Command {
	var clear bool
	audit := s.command("audit", "Show what was asked of the token endpoint and the vaults", func(ctx context.Context, c *admin.Client) (any, error) {
		found, err := c.Audit(ctx)
		if err == nil && clear {
			err = c.ClearAudit(ctx)
		}
		return found, err
	})
	audit.Flags().BoolVar(&clear, "clear", false, "forget it then")
	return audit
}

func (s *invocation) tokenLifetime() *cobra.Command {
	var lifetime time.Duration
	c := s.command("token-lifetime", "Set the lifetime of access tokens given from now on", func(ctx context.Context, c *admin.Client) (any, error) {
		return nil, c.SetTokenLifetime(ctx, lifetime)
	})
	c.Flags().DurationVar(&lifetime, "lifetime", entra.DefaultTokenLifetime, "such as 10m")
	return require(c, "lifetime")
}

func (s *invocation) trustIssuer() *cobra.Command {
	var file string
	c := s.command("trust-issuer", "Trust a certificate authority of token issuers", func(ctx context.Context, c *admin.Client) (any, error) {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return nil, c.TrustIssuers(ctx, content)
	})
	c.Flags().StringVar(&file, "ca-file", "", "PEM file")
	return require(c, "ca-file")
}

// place is what a fault is of: exactly one of its flags is given.
type place struct {
	vault, certificate string
	token, dns         bool
}

func (p *place) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.vault, "vault-name", "", "a vault")
	c.Flags().BoolVar(&p.token, "token", false, "the token endpoint")
	c.Flags().BoolVar(&p.dns, "dns", false, "DNS, which knows only --delay")
}

func (p *place) check() error {
	given := 0
	for _, is := range []bool{p.vault != "", p.certificate != "", p.token, p.dns} {
		if is {
			given++
		}
	}
	if given != 1 {
		return usagef("exactly one of --vault-name, --token, --dns and --certificate is required")
	}
	return nil
}

func (s *invocation) setFault() *cobra.Command {
	var (
		at    place
		fault faults.Fault
	)
	c := s.command("set", "Make something go wrong", func(ctx context.Context, c *admin.Client) (any, error) {
		if err := at.check(); err != nil {
			return nil, err
		}
		switch {
		case at.token:
			return nil, c.SetTokenFault(ctx, &fault)
		case at.dns:
			return nil, c.SetDNSDelay(ctx, fault.Delay)
		case at.certificate != "":
			return nil, c.SetCertificateFault(ctx, front.CertificateFault(at.certificate))
		default:
			return nil, c.SetVaultFault(ctx, at.vault, &fault)
		}
	})
	at.flags(c)
	f := c.Flags()
	f.StringVar(&at.certificate, "certificate", "", "the certificates: unknown-authority, wrong-host or expired")
	f.IntVar(&fault.Status, "status", 0, "answer with this HTTP status")
	f.DurationVar(&fault.RetryAfter, "retry-after", 0, "Retry-After of that answer")
	f.DurationVar(&fault.Delay, "delay", 0, "wait first")
	f.BoolVar(&fault.Hang, "hang", false, "never answer")
	f.BoolVar(&fault.Reset, "reset", false, "cut the connection")
	f.IntVar(&fault.Times, "times", 0, "for so many requests; 0 until cleared")
	return c
}

func (s *invocation) clearFault() *cobra.Command {
	var (
		at          place
		certificate bool
	)
	c := s.command("clear", "Make it right again", func(ctx context.Context, c *admin.Client) (any, error) {
		if certificate {
			at.certificate = "good"
		}
		if err := at.check(); err != nil {
			return nil, err
		}
		switch {
		case at.token:
			return nil, c.SetTokenFault(ctx, nil)
		case at.dns:
			return nil, c.SetDNSDelay(ctx, 0)
		case certificate:
			return nil, c.SetCertificateFault(ctx, front.CertificateGood)
		default:
			return nil, c.SetVaultFault(ctx, at.vault, nil)
		}
	})
	at.flags(c)
	c.Flags().BoolVar(&certificate, "certificate", false, "the certificates")
	return c
}
