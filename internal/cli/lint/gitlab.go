package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"akv-injector/inject/finding"
)

// The parts of GitLab's code quality report.
type (
	gitlabIssue struct {
		Description string         `json:"description"`
		CheckName   string         `json:"check_name"`
		Fingerprint string         `json:"fingerprint"`
		Severity    string         `json:"severity"`
		Location    gitlabLocation `json:"location"`
	}
	gitlabLocation struct {
		Path  string      `json:"path"`
		Lines gitlabLines `json:"lines"`
	}
	gitlabLines struct {
		Begin int `json:"begin"`
	}
)

// WriteGitLab writes the findings as a code quality report, which GitLab shows in a merge request.
func (r *Report) WriteGitLab(w io.Writer) error {
	issues := []gitlabIssue{}
	seen := map[string]int{}
	for _, p := range r.Problems {
		severity := "critical"
		if p.Note {
			severity = "info"
		}
		sum := sha256.Sum256([]byte(p.File + "\x00" + p.Message))
		issues = append(issues, gitlabIssue{Printable(p.Message), "not-read", hex.EncodeToString(sum[:16]), severity, gitlabAt(p.File, p.Line)})
	}
	for _, f := range r.Findings {
		severity := "major"
		if f.Severity == finding.Warning {
			severity = "minor"
		}
		issues = append(issues, gitlabIssue{fmt.Sprintf("%s: %s", f.Rule, f.text()), f.Rule, f.fingerprint(seen), severity, gitlabAt(f.File, f.Line)})
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(issues)
}

func gitlabAt(file string, line int) gitlabLocation {
	return gitlabLocation{filepath.ToSlash(file), gitlabLines{max(line, 1)}}
}
