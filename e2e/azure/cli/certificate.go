package cli

import (
	"context"
	"encoding/json"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/vault"
)

// policy is the part of a certificate's policy that the stand-in looks at.
type policy struct {
	X509 struct {
		Subject string `json:"subject"`
	} `json:"x509CertificateProperties"`
	Secret struct {
		ContentType string `json:"contentType"`
	} `json:"secretProperties"`
}

func (s *invocation) certificate() *cobra.Command {
	o := &objects{invocation: s, kind: vault.Certificate}
	var text string
	create := o.making("create", "Create a certificate, or a new version of it", func(ctx context.Context, c *admin.Client, a vault.Attributes) (any, error) {
		read, err := readPolicy(text)
		if err != nil {
			return nil, err
		}
		if a.ContentType == "" {
			a.ContentType = read.Secret.ContentType
		}
		return c.CreateCertificate(ctx, o.vault, o.name, read.X509.Subject, a)
	})
	create.Flags().StringVarP(&text, "policy", "p", "", "JSON of the policy, @ and a file that has it, or just the subject")
	defaults := &cobra.Command{
		Use: "get-default-policy", Short: "Get the default policy for self-signed certificates", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var p policy
			p.X509.Subject = "CN=CLIGetDefaultPolicy"
			p.Secret.ContentType = "application/x-pkcs12"
			return s.print(p)
		},
	}
	return group("certificate", "Certificates of vaults", append(o.alike(), require(create, "policy"), defaults, o.show())...)
}

func readPolicy(text string) (policy, error) {
	var read policy
	if file, ok := strings.CutPrefix(text, "@"); ok {
		content, err := os.ReadFile(file)
		if err != nil {
			return policy{}, err
		}
		text = string(content)
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		read.X509.Subject = text
		return read, nil
	}
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		return policy{}, usagef("argument --policy: %s", err)
	}
	if read.X509.Subject == "" {
		return policy{}, usagef("argument --policy: it has no x509CertificateProperties.subject")
	}
	return read, nil
}
