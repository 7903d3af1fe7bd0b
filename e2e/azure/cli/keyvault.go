package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
)

func (s *invocation) keyvault() *cobra.Command {
	var (
		name, resourceGroup string
		rbac                bool
	)
	named := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVarP(&name, "name", "n", "", "name of the vault")
		groupFlags(c, &resourceGroup)
		return require(c, "name")
	}
	create := require(named(s.command("create", "Create a vault", func(ctx context.Context, c *admin.Client) (any, error) {
		if !rbac {
			return nil, usagef("the stand-in has role-based access control only, which is Azure's default: leave out --enable-rbac-authorization false")
		}
		return c.CreateVault(ctx, resourceGroup, name)
	})), "resource-group")
	create.Flags().StringP("location", "l", "", "taken and not looked at")
	create.Flags().BoolVar(&rbac, "enable-rbac-authorization", true, "roles decide who may do what")
	return group("keyvault", "Key vaults",
		create,
		named(s.command("show", "Show a vault", func(ctx context.Context, c *admin.Client) (any, error) {
			all, err := c.Vaults(ctx)
			if err != nil {
				return nil, err
			}
			for _, one := range all {
				if strings.EqualFold(one.Name, name) {
					return one, nil
				}
			}
			return nil, &arm.Error{Code: arm.CodeNotFound, Message: "The Vault '" + name + "' not found within subscription."}
		})),
		s.command("list", "List vaults", func(ctx context.Context, c *admin.Client) (any, error) { return c.Vaults(ctx) }),
		named(s.command("delete", "Delete a vault", func(ctx context.Context, c *admin.Client) (any, error) {
			return nil, c.DeleteVault(ctx, name)
		})),
		s.secret(), s.key(), s.certificate(),
	)
}
