package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
)

// account is what scripts ask for the tenant and the subscription.
func (s *invocation) account() *cobra.Command {
	return group("account", "Manage Azure subscription information",
		s.command("show", "Get the details of a subscription", func(ctx context.Context, c *admin.Client) (any, error) {
			info, err := c.Info(ctx)
			return map[string]any{
				"environmentName": info.Cloud,
				"id":              info.SubscriptionID,
				"isDefault":       true,
				"name":            "stand-in",
				"state":           "Enabled",
				"tenantId":        info.TenantID,
			}, err
		}))
}

func (s *invocation) identity() *cobra.Command {
	var name, resourceGroup, clientID, principalID string
	var tags []string
	named := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVarP(&name, "name", "n", "", "name of the identity")
		groupFlags(c, &resourceGroup)
		return require(c, "name", "resource-group")
	}
	create := named(s.command("create", "Create or update an identity", func(ctx context.Context, c *admin.Client) (any, error) {
		return c.CreateIdentity(ctx, arm.Identity{Name: name, ResourceGroup: resourceGroup, ClientID: clientID, PrincipalID: principalID, Tags: tagged(tags)})
	}))
	create.Flags().StringArrayVar(&tags, "tags", nil, "key=value, as many as wanted")
	create.Flags().String("location", "", "taken and not looked at")
	create.Flags().StringVar(&clientID, "stand-in-client-id", "", "client id, which Azure makes up")
	create.Flags().StringVar(&principalID, "stand-in-principal-id", "", "principal id, which Azure makes up")

	list := s.command("list", "List identities", func(ctx context.Context, c *admin.Client) (any, error) {
		all, err := c.Identities(ctx)
		return slices.DeleteFunc(all, func(i arm.Identity) bool { return !matches(resourceGroup, i.ResourceGroup) }), err
	})
	groupFlags(list, &resourceGroup)
	return group("identity", "Managed identities",
		create,
		named(s.command("show", "Get an identity", func(ctx context.Context, c *admin.Client) (any, error) {
			return c.Identity(ctx, resourceGroup, name)
		})),
		list,
		named(s.command("delete", "Delete an identity", func(ctx context.Context, c *admin.Client) (any, error) {
			return nil, c.DeleteIdentity(ctx, resourceGroup, name)
		})),
		s.federated(),
	)
}

func groupFlags(c *cobra.Command, resourceGroup *string) {
	c.Flags().StringVarP(resourceGroup, "resource-group", "g", "", "name of the resource group")
}

func (s *invocation) federated() *cobra.Command {
	var (
		identity, resourceGroup string
		credential              arm.FederatedCredential
	)
	flags := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&identity, "identity-name", "", "name of the identity")
		groupFlags(c, &resourceGroup)
		return require(c, "identity-name", "resource-group")
	}
	named := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVarP(&credential.Name, "name", "n", "", "name of the federated credential")
		return require(flags(c), "name")
	}
	write := func(name string) *cobra.Command {
		c := named(s.command(name, "Create or update a federated credential of an identity", func(ctx context.Context, c *admin.Client) (any, error) {
			return c.CreateFederatedCredential(ctx, resourceGroup, identity, credential)
		}))
		c.Flags().StringVar(&credential.Issuer, "issuer", "", "issuer of the tokens, to the letter")
		c.Flags().StringVar(&credential.Subject, "subject", "", "such as system:serviceaccount:NAMESPACE:NAME")
		c.Flags().StringArrayVar(&credential.Audiences, "audiences", nil, "audience of the tokens (default "+arm.DefaultAudience+")")
		return require(c, "issuer", "subject")
	}
	find := func(ctx context.Context, c *admin.Client) (any, error) {
		all, err := c.FederatedCredentials(ctx, resourceGroup, identity)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			if one.Name == credential.Name {
				return one, nil
			}
		}
		return nil, &arm.Error{Code: arm.CodeNotFound, Message: "The federated credential '" + credential.Name + "' was not found."}
	}
	remove := named(s.command("delete", "Delete a federated credential", func(ctx context.Context, c *admin.Client) (any, error) {
		return nil, c.DeleteFederatedCredential(ctx, resourceGroup, identity, credential.Name)
	}))
	yesFlag(remove)
	return group("federated-credential", "Federated credentials of identities",
		write("create"), write("update"),
		named(s.command("show", "Show a federated credential", find)),
		flags(s.command("list", "List federated credentials", func(ctx context.Context, c *admin.Client) (any, error) {
			return c.FederatedCredentials(ctx, resourceGroup, identity)
		})),
		remove,
	)
}

// yesFlag takes az's answer to a question that is not asked here.
func yesFlag(c *cobra.Command) { c.Flags().BoolP("yes", "y", false, "do not prompt") }
