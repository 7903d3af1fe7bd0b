package cli

import (
	"context"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
)

// objects are the commands that secrets, keys and certificates have alike.
type objects struct {
	invocation *invocation
	kind       vault.Kind

	vault, name, version string
	attributes           attributes
}

// command is one on the vault that --vault-name names.
func (o *objects) command(name, short string, run func(ctx context.Context, c *admin.Client) (any, error)) *cobra.Command {
	c := o.invocation.command(name, short, run)
	c.Flags().StringVar(&o.vault, "vault-name", "", "name of the vault")
	return require(c, "vault-name")
}

// named is one on the object that --name names, too.
func (o *objects) named(name, short string, run func(ctx context.Context, c *admin.Client) (any, error)) *cobra.Command {
	c := o.command(name, short, run)
	c.Flags().StringVarP(&o.name, "name", "n", "", "name of the object")
	return require(c, "name")
}

// making is one that makes a version of an object.
func (o *objects) making(name, short string, run func(ctx context.Context, c *admin.Client, a vault.Attributes) (any, error)) *cobra.Command {
	var c *cobra.Command
	c = o.named(name, short, func(ctx context.Context, client *admin.Client) (any, error) {
		a, err := o.attributes.value(c)
		if err != nil {
			return nil, err
		}
		return run(ctx, client, a)
	})
	o.attributes.flags(c)
	c.Flags().BoolVar(&o.attributes.disabled, "disabled", false, "create it disabled")
	return c
}

// alike are the commands that need nothing of the kind.
func (o *objects) alike() []*cobra.Command {
	var set *cobra.Command
	set = o.named("set-attributes", "Change the attributes of a version", func(ctx context.Context, client *admin.Client) (any, error) {
		a, err := o.attributes.value(set)
		if err != nil {
			return nil, err
		}
		return client.SetAttributes(ctx, o.vault, o.kind, o.name, o.version, a)
	})
	o.attributes.flags(set)
	set.Flags().BoolVar(&o.attributes.enabled, "enabled", true, "whether it can be read")
	o.versionFlag(set)
	return []*cobra.Command{
		set,
		o.command("list", "List the objects of a vault, without their values", func(ctx context.Context, c *admin.Client) (any, error) {
			return c.Objects(ctx, o.vault, o.kind)
		}),
		o.named("list-versions", "List the versions of an object, the newest first", func(ctx context.Context, c *admin.Client) (any, error) {
			return c.Versions(ctx, o.vault, o.kind, o.name)
		}),
		o.named("delete", "Delete an object, which can be recovered", func(ctx context.Context, c *admin.Client) (any, error) {
			return nil, c.DeleteObject(ctx, o.vault, o.kind, o.name)
		}),
		o.named("recover", "Recover a deleted object", func(ctx context.Context, c *admin.Client) (any, error) {
			return nil, c.RecoverObject(ctx, o.vault, o.kind, o.name)
		}),
		o.named("purge", "Delete a deleted object for good", func(ctx context.Context, c *admin.Client) (any, error) {
			return nil, c.PurgeObject(ctx, o.vault, o.kind, o.name)
		}),
	}
}

func (o *objects) versionFlag(c *cobra.Command) {
	c.Flags().StringVarP(&o.version, "version", "v", "", "version; the newest if left out")
}

// show is for keys and certificates, whose content the stand-in's administrator has
// no need of.
func (o *objects) show() *cobra.Command {
	c := o.named("show", "Show the attributes of a version", func(ctx context.Context, c *admin.Client) (any, error) {
		all, err := c.Versions(ctx, o.vault, o.kind, o.name)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			if o.version == "" || one.Version() == o.version {
				return one, nil
			}
		}
		return nil, &arm.Error{Code: arm.CodeNotFound, Message: "Version '" + o.version + "' of '" + o.name + "' was not found."}
	})
	o.versionFlag(c)
	return c
}
