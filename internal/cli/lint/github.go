package lint

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteGitHub writes the findings as workflow commands, which GitHub shows at the lines of a pull request.
func (r *Report) WriteGitHub(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, p := range r.Problems {
		level := "error"
		if p.Note {
			level = "notice"
		}
		fmt.Fprintf(b, "::%s %s::%s\n", level, githubPlace(p.File, p.Line, "not read"), githubText(Printable(p.Message)))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(b, "::%s %s::%s\n", f.Severity, githubPlace(f.File, f.Line, RuleTitle(f.Rule)), githubText(f.text()))
	}
	return b.Flush()
}

func githubPlace(file string, line int, title string) string {
	place := "file=" + githubProperty(file)
	if line > 0 {
		place += fmt.Sprintf(",line=%d", line)
	}
	return place + ",title=" + githubProperty(title)
}

var (
	githubTexts      = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperties = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func githubText(s string) string     { return githubTexts.Replace(s) }
func githubProperty(s string) string { return githubProperties.Replace(Printable(s)) }
