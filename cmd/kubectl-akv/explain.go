package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

func newExplain(streams genericiooptions.IOStreams) *cobra.Command {
	output := "text"
	cmd := &cobra.Command{
		Use:   "explain [RULE...]",
		Short: "Explain the rules",
		Long: `Says what rules find, and which failure of rotation they prevent. Rules are named by id or
by name. Without any, all are listed.`,
		Example: `  # All rules
  kubectl akv explain

  # One, by its id or its name
  kubectl akv explain AKV001
  kubectl akv explain subpath

  # For a program
  kubectl akv explain -o json`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return ruleCompletions(args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("output", output, explainFormats); err != nil {
				return err
			}
			rules, err := findRules(args)
			if err != nil {
				return err
			}
			switch {
			case output == "json":
				return printRulesJSON(streams.Out, rules)
			case len(args) == 0:
				return printRuleTable(streams.Out, rules)
			}
			return printRules(streams.Out, rules)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", output, "`format`: "+strings.Join(explainFormats, " or "))
	_ = cmd.RegisterFlagCompletionFunc("output", complete(explainFormats...))
	return cmd
}

var explainFormats = []string{"text", "json"}

// oneOf finds the value of a flag among those that it has.
func oneOf(flag, value string, values []string) error {
	if slices.Contains(values, value) {
		return nil
	}
	hint := ""
	if n := text.Nearest(value, values); n != "" {
		hint = fmt.Sprintf("; did you mean %s?", n)
	}
	return fmt.Errorf("--%s=%q: write %s%s", flag, value, strings.Join(values, ", "), hint)
}

func ruleCompletions(named []string) []cobra.Completion {
	var ids []cobra.Completion
	for _, r := range inject.Rules() {
		taken := false
		for _, n := range named {
			taken = taken || strings.EqualFold(n, r.ID)
		}
		if !taken {
			ids = append(ids, cobra.CompletionWithDesc(r.ID, r.Name))
		}
	}
	return ids
}

// findRules finds rules by id or name; all if none is named.
func findRules(named []string) ([]inject.Rule, error) {
	all := inject.Rules()
	if len(named) == 0 {
		return all, nil
	}
	var words []string
	for _, r := range all {
		words = append(words, r.ID, r.Name)
	}
	var rules []inject.Rule
	var unknown []error
next:
	for _, n := range named {
		for _, r := range all {
			if strings.EqualFold(n, r.ID) || strings.EqualFold(n, r.Name) {
				rules = append(rules, r)
				continue next
			}
		}
		hint := "for all of them: kubectl akv explain"
		if near := text.Nearest(n, words); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		unknown = append(unknown, fmt.Errorf("there is no rule %q; %s", n, hint))
	}
	if len(unknown) > 0 {
		return nil, oneLine(unknown)
	}
	return rules, nil
}

func printRuleTable(w io.Writer, rules []inject.Rule) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSEVERITY\tWAIVABLE\tFINDS")
	for _, r := range rules {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Name, severities(r), yesNo(r.Waivable), r.Summary)
	}
	return table.Flush()
}

func printRules(w io.Writer, rules []inject.Rule) error {
	var errs []error
	for i, r := range rules {
		if i > 0 {
			fmt.Fprintln(w)
		}
		_, err := fmt.Fprintf(w, "%s %s\n\n"+
			"Finds:     %s\nPrevents:  %s\nEvidence:  %s\nRemedy:    %s\nLooks at:  %s\nSeverity:  %s\nWaivable:  %s\n",
			r.ID, r.Name, r.Summary, r.Prevents, r.Evidence, r.Remedy, places(r), severities(r), waiver(r))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func places(r inject.Rule) string {
	words := make([]string, 0, len(r.On()))
	for _, p := range r.On() {
		words = append(words, string(p))
	}
	return strings.Join(words, ", ")
}

func waiver(r inject.Rule) string {
	if !r.Waivable {
		return "no"
	}
	return fmt.Sprintf("yes, with the annotation %s: %s", annotation.Allow, r.ID)
}

func severities(r inject.Rule) string {
	words := make([]string, 0, len(r.Severities))
	for _, s := range r.Severities {
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func printRulesJSON(w io.Writer, rules []inject.Rule) error {
	type rule struct {
		ID         string             `json:"id"`
		Name       string             `json:"name"`
		Severities []finding.Severity `json:"severities"`
		Waivable   bool               `json:"waivable"`
		Summary    string             `json:"summary"`
		Prevents   string             `json:"prevents"`
		Evidence   string             `json:"evidence"`
		Remedy     string             `json:"remedy"`
		On         []inject.On        `json:"on"`
	}
	list := make([]rule, 0, len(rules))
	for _, r := range rules {
		list = append(list, rule{r.ID, r.Name, r.Severities, r.Waivable, r.Summary, r.Prevents, r.Evidence, r.Remedy, r.On()})
	}
	return printJSON(w, list)
}

// printJSON prints JSON for people too, who read < and > more easily than their escapes.
func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
