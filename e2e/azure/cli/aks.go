package cli

import (
	"context"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
)

// secretsProvider is the add-on's name for az, which has another one in what it prints.
const secretsProvider = "azure-keyvault-secrets-provider"

// aks shows and changes clusters, which are resources alone here: nothing is installed in them.
func (s *invocation) aks() *cobra.Command {
	change := func(name, short string, also func(*cobra.Command, *arm.ClusterChange)) *cobra.Command {
		var made arm.ClusterChange
		c := s.command(name, short, func(ctx context.Context, c *admin.Client) (any, error) { return c.ChangeCluster(ctx, made) })
		groupFlags(c, &made.Group)
		c.Flags().StringVarP(&made.Name, "name", "n", "", "name of the cluster")
		if also != nil {
			also(c, &made)
		}
		return require(c, "name", "resource-group")
	}
	rotation := func(c *cobra.Command, made *arm.ClusterChange) {
		c.Flags().BoolVar(&made.SecretRotation, "enable-secret-rotation", false, "rotate")
		c.Flags().StringVar(&made.RotationInterval, "rotation-poll-interval", "", "such as 2m")
	}
	enable := change("enable-addons", "Enable add-ons", func(c *cobra.Command, made *arm.ClusterChange) {
		made.SecretsProvider, made.RefusesTheSecretProvider = true, true
		addon(c, "addons")
		rotation(c, made)
	})
	update := change("update", "Update an add-on", func(c *cobra.Command, made *arm.ClusterChange) {
		made.NeedsTheSecretsProvider = true
		addon(c, "addon")
		rotation(c, made)
	})
	return group("aks", "Managed clusters",
		change("show", "Show a cluster", nil),
		change("update", "Update a cluster", func(c *cobra.Command, made *arm.ClusterChange) {
			c.Flags().BoolVar(&made.OIDCIssuer, "enable-oidc-issuer", false, "have an OIDC issuer")
			c.Flags().BoolVar(&made.WorkloadIdentity, "enable-workload-identity", false, "have workload identity")
		}),
		enable,
		group("addon", "Add-ons of clusters", update),
		s.identityBinding(),
	)
}

// identityBinding is of the extension aks-preview.
func (s *invocation) identityBinding() *cobra.Command {
	var resourceGroup, cluster, name, identity string
	of := func(c *cobra.Command, required ...string) *cobra.Command {
		groupFlags(c, &resourceGroup)
		c.Flags().StringVar(&cluster, "cluster-name", "", "name of the cluster")
		c.Flags().StringVarP(&name, "name", "n", "", "name of the binding")
		return require(c, append(required, "cluster-name", "resource-group")...)
	}
	create := of(s.command("create", "Bind a managed identity to a cluster", func(ctx context.Context, c *admin.Client) (any, error) {
		return c.CreateBinding(ctx, resourceGroup, cluster, name, identity)
	}), "name")
	create.Flags().StringVar(&identity, "managed-identity-resource-id", "", "id of the managed identity")
	remove := of(s.command("delete", "Delete an identity binding", func(ctx context.Context, c *admin.Client) (any, error) {
		return nil, c.DeleteBinding(ctx, resourceGroup, cluster, name)
	}), "name")
	yesFlag(remove)
	return group("identity-binding", "Identity bindings of clusters",
		require(create, "managed-identity-resource-id"), remove,
		of(s.command("list", "List identity bindings", func(ctx context.Context, c *admin.Client) (any, error) {
			return c.Bindings(ctx, resourceGroup, cluster)
		})),
	)
}

// addon takes the one add-on that there is.
func addon(c *cobra.Command, flag string) {
	name := c.Flags().String(flag, "", "only "+secretsProvider)
	next := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if *name != secretsProvider {
			return usagef("argument --%s: the stand-in has only %s", flag, secretsProvider)
		}
		if next != nil {
			return next(c, args)
		}
		return nil
	}
}
