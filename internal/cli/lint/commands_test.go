package lint_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"akv-injector/inject"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// command is what stands behind the words with which a fix gives one.
var command = regexp.MustCompile(`(?:[Rr]un|tokenRequests|rotation|in|with): ((?:kubectl|az) .*)$`)

// Values that a shell would take for more than a word, in every string of every case that has findings: whatever stands in the
// files, a command of a fix runs what it names alone, and is a command for a shell.
func TestCommandsOfFixes(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	files, err := filepath.Glob("../../../cmd/kubectl-akv/testdata/field/*.yaml")
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	seen := map[string]bool{}
	for _, hostile := range []string{"x; touch pwned", "$(touch pwned)", "`touch pwned`", "a' ; touch pwned ; '", "a\ntouch pwned", "-o=/etc/passwd", "a|touch pwned", "a && touch pwned"} {
		for _, file := range files {
			for _, f := range findings(t, file, hostile) {
				if m := command.FindStringSubmatch(f.Fix); m != nil {
					seen[m[1]] = true
				}
			}
		}
	}
	for _, file := range files { // as they are
		for _, f := range findings(t, file, "") {
			if m := command.FindStringSubmatch(f.Fix); m != nil {
				seen[m[1]] = true
			}
		}
	}
	if len(seen) < 8 {
		t.Fatalf("only %d commands: %v", len(seen), seen)
	}
	for c := range seen {
		if out, err := exec.Command(sh, "-n", "-c", c).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", c, out)
		}
		dir := t.TempDir()
		run := exec.Command(sh, "-c", "kubectl() { :; }; az() { :; }; touch() { echo pwned >&2; exit 9; }; "+c)
		run.Dir, run.Env = dir, []string{"PATH=/nowhere"}
		if out, err := run.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v %s", c, err, out)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: has made %v", c, left)
		}
	}
}

// findings are those of a file, with a text in the place of each of its values in turn.
func findings(t *testing.T, file, hostile string) []lint.Finding {
	t.Helper()
	set := manifest.Source{Paths: []string{file}}.Read()
	if hostile == "" {
		return lint.Check(set, set.Cluster("", true), inject.Settings{}).Findings
	}
	var all []lint.Finding
	for i, o := range set.Objects {
		var value any
		if err := json.Unmarshal(o.JSON, &value); err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			changed, done := replaced(value, hostile, n)
			if !done {
				break
			}
			text, err := json.Marshal(changed)
			if err != nil {
				t.Fatal(err)
			}
			objects, _ := manifest.FromJSON(o.File, text)
			with := &manifest.Set{Files: 1, Objects: slices.Concat(set.Objects[:i], objects, set.Objects[i+1:])}
			all = append(all, lint.Check(with, with.Cluster("", true), inject.Settings{}).Findings...)
		}
	}
	return all
}

// replaced is a value with a text in the place of its n-th string, and reports whether it has so many. What says which object it
// is, and whose, stays: the rules have to look at it.
func replaced(value any, with string, n int) (any, bool) {
	left := n
	var walk func(v any, key string) any
	walk = func(v any, key string) any {
		switch v := v.(type) {
		case map[string]any:
			m := make(map[string]any, len(v))
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				m[k] = walk(v[k], k)
			}
			return m
		case []any:
			list := make([]any, len(v))
			for i := range v {
				list[i] = walk(v[i], key)
			}
			return list
		case string:
			if slices.Contains([]string{"apiVersion", "kind", "driver", "objects"}, key) {
				return v
			}
			if left--; left == -1 {
				return with
			}
		}
		return v
	}
	changed := walk(value, "")
	return changed, left < 0
}

// What lint writes for a terminal has no command in it but those.
func TestNoOtherCommands(t *testing.T) {
	for _, f := range findings(t, "../../../cmd/kubectl-akv/testdata/field/fix-with-foreign-shell-text.yaml", "") {
		if strings.Contains(f.Fix, "curl") {
			t.Errorf("%s", f.Fix)
		}
	}
}
