package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
)

func (s *invocation) role() *cobra.Command {
	var name, role, assignee, objectID, scope string
	var ids []string
	flags := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&role, "role", "", "name or id of the role")
		c.Flags().StringVar(&assignee, "assignee", "", "principal id or client id")
		c.Flags().StringVar(&objectID, "assignee-object-id", "", "principal id")
		c.Flags().String("assignee-principal-type", "", "taken and not looked at")
		c.Flags().StringVar(&scope, "scope", "", "resource id that the role is for")
		return c
	}
	who := func() (string, error) {
		if (assignee == "") == (objectID == "") {
			return "", usagef("exactly one of --assignee and --assignee-object-id is required")
		}
		return assignee + objectID, nil
	}
	create := require(flags(s.command("create", "Create a role assignment", func(ctx context.Context, c *admin.Client) (any, error) {
		principal, err := who()
		if err != nil {
			return nil, err
		}
		return c.AssignRole(ctx, name, role, principal, scope)
	})), "role", "scope")
	create.Flags().StringVar(&name, "name", "", "GUID of the assignment")
	remove := flags(s.command("delete", "Delete role assignments", func(ctx context.Context, c *admin.Client) (any, error) {
		for _, id := range ids {
			if err := c.DeleteAssignment(ctx, id); err != nil {
				return nil, err
			}
		}
		if len(ids) > 0 {
			return nil, nil
		}
		principal, err := who()
		if err != nil {
			return nil, err
		}
		return nil, c.UnassignRole(ctx, role, principal, scope)
	}))
	remove.Flags().StringArrayVar(&ids, "ids", nil, "ids of assignments")
	yesFlag(remove)
	list := flags(s.command("list", "List role assignments", func(ctx context.Context, c *admin.Client) (any, error) {
		all, err := c.RoleAssignments(ctx)
		kept := []arm.RoleAssignment{}
		for _, one := range all {
			if (matches(role, one.RoleDefinitionName) || strings.HasSuffix(one.RoleDefinitionID, "/"+role)) && matches(assignee+objectID, one.PrincipalID) && matches(scope, one.Scope) {
				kept = append(kept, one)
			}
		}
		return kept, err
	}))
	list.Flags().Bool("all", false, "taken and not looked at: all are listed")
	list.Flags().Bool("include-groups", false, "taken and not looked at: there are no groups")
	return group("role", "Role-based access control", group("assignment", "Role assignments", create, remove, list), s.roleDefinition())
}

func (s *invocation) roleDefinition() *cobra.Command {
	var name string
	list := s.command("list", "List role definitions", func(context.Context, *admin.Client) (any, error) { return arm.RoleDefinitions(name), nil })
	list.Flags().StringVarP(&name, "name", "n", "", "name or GUID")
	return group("definition", "Role definitions", list)
}

func matches(wanted, got string) bool { return wanted == "" || strings.EqualFold(wanted, got) }
