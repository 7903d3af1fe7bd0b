// Package cli is az for the stand-in for Azure: the commands, flags and output that our
// documentation uses, so that its steps can be run as they are written. They call the
// admin API, from another process than the server. What the real az does not have is
// under "az stand-in".
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
)

// SocketVariable names the admin socket where --socket does not.
const SocketVariable = "AKV_AZURE_SOCKET"

// The exit statuses of az.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 3
)

// invocation is one run of az.
type invocation struct {
	stdout io.Writer
	socket string
	output string
	query  string
}

// Run runs az with the arguments after its name, and gives its exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s := &invocation{stdout: stdout}
	root := s.root() //nolint:contextcheck // Commands get it from ExecuteContext, below.
	root.SetArgs(spread(args))
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "ERROR: %s\n", err)
	var refusal *arm.Error
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &refusal) && strings.HasSuffix(refusal.Code, "NotFound"):
		return exitNotFound
	default:
		return exitFailure
	}
}

// usageError is a command line that az does not take.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

func (s *invocation) root() *cobra.Command {
	root := group("az", "Azure CLI for the stand-in",
		s.account(), s.aks(), s.identity(), s.keyvault(), s.role(), s.standIn())
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&s.socket, "socket", os.Getenv(SocketVariable), "admin socket of the stand-in; $"+SocketVariable)
	flags.Bool("only-show-errors", false, "taken and not looked at: there are no warnings")
	flags.StringVarP(&s.output, "output", "o", "json", "json, tsv, table or none")
	flags.StringVar(&s.query, "query", "", "JMESPath query of the output")
	flags.String("subscription", "", "taken and not looked at: there is one")
	return root
}

// group is a command that has only commands below it.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("'%s' is misspelled or not recognized by the system: see %s --help", args[0], c.CommandPath())
			}
			return c.Help()
		},
	}
	c.AddCommand(commands...)
	return c
}

// command is one that calls the stand-in and prints what it gives; nil is nothing.
func (s *invocation) command(name, short string, run func(ctx context.Context, c *admin.Client) (any, error)) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unrecognized arguments: %s", strings.Join(args, " "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			if s.socket == "" {
				return usagef("no stand-in for Azure: give --socket or set %s", SocketVariable)
			}
			if err := s.checkOutput(); err != nil {
				return err
			}
			result, err := run(c.Context(), admin.NewClient(s.socket))
			if err != nil || result == nil {
				return err
			}
			return s.print(result)
		},
	}
}

// require makes flags required, in az's words.
func require(c *cobra.Command, names ...string) *cobra.Command {
	next := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		var missing []string
		for _, name := range names {
			if !c.Flags().Changed(name) {
				missing = append(missing, "--"+name)
			}
		}
		if len(missing) > 0 {
			return usagef("the following arguments are required: %s", strings.Join(missing, ", "))
		}
		if next != nil {
			return next(c, args)
		}
		return nil
	}
	return c
}
