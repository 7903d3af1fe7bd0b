package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	manpages "github.com/spf13/cobra/doc"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func newMan(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write man pages",
		Long: `Writes a man page for each command into a folder, which is made if it is not there. In
~/.local/share/man/man1 they are found by: man kubectl-akv-lint.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			const readable = 0o755
			if err := os.MkdirAll(args[0], readable); err != nil {
				return err
			}
			root := cmd.Root()
			// A page with the day on which it was made differs each day.
			root.DisableAutoGenTag = true
			if err := manpages.GenManTree(root, &manpages.GenManHeader{Section: "1", Source: "akv-injector " + version, Manual: "kubectl akv"}, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintln(streams.Out, "man pages are in "+args[0])
			return err
		},
	}
}
