package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// pluginCompletion is what kubectl runs to complete "kubectl akv …": a program of the name
// kubectl_complete-akv on PATH (kubectl since 1.26).
const pluginCompletion = `#!/bin/sh
# kubectl runs this to complete "kubectl akv". It belongs on PATH as kubectl_complete-akv.
exec kubectl-akv __complete "$@"
`

// addPluginCompletion puts kubectl beside the shells that completion knows.
func addPluginCompletion(root *cobra.Command, streams genericiooptions.IOStreams) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.AddCommand(&cobra.Command{
			Use:   "kubectl",
			Short: "Generate the completion script for kubectl akv",
			Long: `Prints the script that kubectl runs to complete "kubectl akv", where kubectl's own
completion is set up. Save it on PATH as kubectl_complete-akv.`,
			Example: `  kubectl akv completion kubectl > ~/.local/bin/kubectl_complete-akv
  chmod +x ~/.local/bin/kubectl_complete-akv`,
			Args:              cobra.NoArgs,
			ValidArgsFunction: cobra.NoFileCompletions,
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprint(streams.Out, pluginCompletion)
				return err
			},
		})
	}
}
