package cli

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/vault"
)

func (s *invocation) secret() *cobra.Command {
	o := &objects{invocation: s, kind: vault.Secret}
	var value, file string
	var set *cobra.Command
	set = o.making("set", "Create a secret, or a new version of it", func(ctx context.Context, c *admin.Client, a vault.Attributes) (any, error) {
		if set.Flags().Changed("value") == set.Flags().Changed("file") {
			return nil, usagef("exactly one of --value and --file is required")
		}
		if file != "" {
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			value = string(content)
		}
		return c.SetSecret(ctx, o.vault, o.name, value, a)
	})
	set.Flags().StringVar(&value, "value", "", "the secret's value")
	set.Flags().StringVarP(&file, "file", "f", "", "file that has the secret's value")
	show := o.named("show", "Get a secret, with its value", func(ctx context.Context, c *admin.Client) (any, error) {
		return c.ShowSecret(ctx, o.vault, o.name, o.version)
	})
	o.versionFlag(show)
	return group("secret", "Secrets of vaults", append(o.alike(), set, show)...)
}

func (s *invocation) key() *cobra.Command {
	o := &objects{invocation: s, kind: vault.Key}
	var keyType string
	create := o.making("create", "Create a key, or a new version of it", func(ctx context.Context, c *admin.Client, a vault.Attributes) (any, error) {
		return c.CreateKey(ctx, o.vault, o.name, keyType, a)
	})
	create.Flags().StringVar(&keyType, "kty", "RSA", "RSA or EC")
	return group("key", "Keys of vaults", append(o.alike(), create, o.show())...)
}
