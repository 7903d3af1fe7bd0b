package lint

import (
	"encoding/xml"
	"fmt"
	"io"

	"akv-injector/inject/finding"
	"akv-injector/internal/cli/manifest"
)

// The parts of a JUnit report that CI systems read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Error   *junitFailure `xml:"error,omitempty"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes a test suite for each file: an error is a failed test, a warning a passed one with output, and what
// cannot be read a test with an error. A file of which nothing is to be said has one test, which passes.
func (r *Report) WriteJUnit(w io.Writer, set *manifest.Set) error {
	all := junitSuites{Name: "kubectl-akv lint"}
	index := map[string]int{}
	suite := func(file string) *junitSuite {
		if _, ok := index[file]; !ok {
			index[file] = len(all.Suites)
			all.Suites = append(all.Suites, junitSuite{Name: file})
		}
		return &all.Suites[index[file]]
	}
	for _, p := range r.Problems {
		s := suite(p.File)
		c := junitCase{Name: fmt.Sprintf("line %d is read", p.Line), Class: p.File, File: p.File, Line: p.Line}
		if p.Note {
			c.Out = Printable(p.Message)
		} else {
			c.Error = &junitFailure{"not read", Printable(p.Message), Printable(p.String())}
			s.Errors++
		}
		s.Cases = append(s.Cases, c)
	}
	for _, f := range r.Findings {
		s := suite(f.File)
		c := junitCase{Name: fmt.Sprintf("%s %s/%s %s", RuleTitle(f.Rule), f.Kind, f.Name, f.Field), Class: f.File, File: f.File, Line: f.Line}
		if f.Severity == finding.Error {
			c.Failure = &junitFailure{f.Rule, Printable(f.Message), fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.text())}
			s.Failures++
		} else {
			c.Out = f.text()
		}
		s.Cases = append(s.Cases, c)
	}
	for _, o := range set.Objects {
		if s := suite(o.File); len(s.Cases) == 0 {
			s.Cases = append(s.Cases, junitCase{Name: "nothing to say", Class: o.File, File: o.File})
		}
	}
	for i := range all.Suites {
		s := &all.Suites[i]
		s.Tests = len(s.Cases)
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
