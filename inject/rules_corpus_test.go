package inject_test

import (
	"slices"
	"strings"
	"testing"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/internal/testing/corpus"
)

// The cases have a finding of each rule, in each severity and on each kind of object that the
// table lists, and no others.
func TestCorpusFindsEveryRule(t *testing.T) {
	type sight struct {
		rule     string
		severity finding.Severity
	}
	type place struct {
		rule string
		on   inject.On
	}
	severities, places := map[sight]bool{}, map[place]bool{}
	for _, c := range cases(t) {
		for _, f := range c.Findings() {
			if f.Rule == "" {
				continue
			}
			rule := inject.RuleByID(f.Rule)
			if rule == nil {
				t.Errorf("%s: %s is not in the table", c.Name, f.Rule)
				continue
			}
			if !slices.Contains(rule.On(), on(c)) {
				t.Errorf("%s: %s finds something on %s, which the table does not list", c.Name, f.Rule, on(c))
			}
			places[place{f.Rule, on(c)}] = true
			if !slices.Contains(rule.Severities, f.Severity) && !downgraded(c, f) {
				t.Errorf("%s: %s finds a %s, which the table does not list", c.Name, f.Rule, f.Severity)
			}
			severities[sight{f.Rule, f.Severity}] = true
		}
	}
	for _, r := range inject.Rules() {
		if r.FilesOnly {
			continue // the linter's own tests have these
		}
		for _, s := range r.Severities {
			if !severities[sight{r.ID, s}] {
				t.Errorf("no case finds %s as %s", r.ID, s)
			}
		}
		for _, p := range r.On() {
			if !places[place{r.ID, p}] {
				t.Errorf("no case finds %s on %s", r.ID, p)
			}
		}
	}
}

func on(c *corpus.Case) inject.On {
	switch {
	case c.Pod != nil:
		return inject.OnPods
	case c.Class() != nil:
		return inject.OnClasses
	}
	return inject.OnTemplates
}

// downgraded reports whether a finding is a warning only because of a waiver, of an update that
// did not add it, or of the controller that created the pod.
func downgraded(c *corpus.Case, f finding.Finding) bool {
	return f.Severity == finding.Warning && (strings.Contains(f.Message, "(allowed: ") || c.Options.Origin != "")
}

// Correct objects have no findings: examples that the Azure provider and AKS publish, other
// drivers, other providers and ordinary Secrets.
func TestFineCasesFindNothing(t *testing.T) {
	fine := 0
	for _, c := range cases(t) {
		if !strings.HasPrefix(c.Name, "fine-") && !strings.HasPrefix(c.Name, "class-published-") {
			continue
		}
		fine++
		if found := c.Findings(); len(found) > 0 {
			t.Errorf("%s: %v", c.Name, found)
		}
	}
	if fine < 20 {
		t.Errorf("%d correct cases", fine)
	}
}

// A case that queries vaults has an answer about every object.
func TestVaultsOfCasesAnswerEverything(t *testing.T) {
	asked := 0
	for _, c := range cases(t) {
		if c.Options.Vault == nil || c.Unseen() || c.Operation() == corpus.Delete {
			continue
		}
		facts := c.Facts()
		objects := c.VaultObjects()
		for _, o := range objects {
			if _, ok := facts.Vault[o]; !ok {
				t.Errorf("%s: no answer about %+v", c.Name, o)
			}
		}
		asked += len(objects)
	}
	if asked < 100 {
		t.Errorf("vaults are queried for %d objects", asked)
	}
}

// A dry run shows each line as a warning of its own.
func TestDescriptionsFitIntoWarnings(t *testing.T) {
	described := 0
	for _, c := range cases(t) {
		lines := c.Description()
		if len(lines) > 0 {
			described++
		}
		for _, line := range lines {
			if len([]rune(line)) > 256 || line == "" || strings.ContainsAny(line, "\n\t\x00") {
				t.Errorf("%s: %d characters: %q", c.Name, len(line), line)
			}
		}
	}
	if described < 40 {
		t.Errorf("%d cases are described", described)
	}
}
