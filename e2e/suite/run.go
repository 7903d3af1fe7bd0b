package suite

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"akv-injector/e2e/rundir"
)

// slow is how long a test takes that is worth a line of progress.
const slow = 2 * time.Second

// deepest is how deep subtests are printed one by one: TestDriver160/together/Story.
const deepest = 2

// stopGrace is how long tests may take to clean up after an interrupt: longer than a
// sandbox gives what runs in it, or that could not be cleaned up after.
const stopGrace = 6 * time.Minute

// event is a line of `go test -json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of what did not build
	Test       string
	Elapsed    float64
	Output     string
	Key, Value string // of an attribute
}

// Report is what a run of go test came to.
type Report struct {
	Packages []Timing
	Tests    []Timing // those that have no subtests, but for the deepest
	// LeftOut has the tests that were skipped, with their reasons.
	LeftOut []LeftOut
	// Measured is what tests have measured, in the order of their ends.
	Measured []Measurement
	// Failures are the tests that failed, with what they said.
	Failures []Failure
	Failed   bool
}

// Timing is how long something took.
type Timing struct {
	Name string
	Took time.Duration
}

// Measurement is what a test has measured, in its own words.
type Measurement struct{ Test, Text string }

// Failure is a test that failed, or a package outside its tests. What it said of why is cut
// short: the rest was printed when it ended.
type Failure struct{ Test, Reason string }

// LeftOut is a test that was not run.
type LeftOut struct{ Test, Reason string }

// Where is where tests run.
type Where struct {
	Dir string // of the module
	// Run is the folder for what they leave; nil is the system's folder for temporary files.
	Run *rundir.Dir
	// Env is theirs, as key=value, beside that of this process.
	Env []string
}

// Run runs `go test -json` with further arguments. Everything of a
// test that fails goes to out, and a line for each package and each slow test. With
// verbose it is all that tests print. An error is one of running it, not of a test.
func Run(ctx context.Context, out io.Writer, where Where, verbose bool, args ...string) (*Report, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir = where.Dir
	cmd.Env = append(append(os.Environ(), "PWD="+where.Dir), where.Env...)
	if where.Run != nil {
		cmd.Env = append(cmd.Env, "TMPDIR="+where.Run.Path)
		// Tests may outlive a suite that is killed, and the folder is theirs until then.
		cmd.ExtraFiles = []*os.File{where.Run.Lock()}
	}
	out = &shared{to: out}
	cmd.Stderr = out
	// Tests have something to stop before they end, and go test passes no signal on: so
	// it is a group, and the group is told.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = stopGrace
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := newReader(out, verbose)
	readErr := r.read(stdout)
	if readErr != nil {
		_, _ = io.Copy(io.Discard, stdout) // or go test would wait for a reader
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		return &r.report, context.Cause(ctx)
	}
	if _, failed := errors.AsType[*exec.ExitError](err); failed {
		r.report.Failed, err = true, nil
	}
	return &r.report, errors.Join(readErr, err)
}

// shared lets go test's standard error and its events be written to one place.
type shared struct {
	mu sync.Mutex
	to io.Writer
}

func (w *shared) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// reader reads events.
type reader struct {
	out     io.Writer
	verbose bool
	report  Report
	// output of what has not ended: tests by "package test", packages by "package ".
	output map[string]*bytes.Buffer
	// parents of subtests, in the same form.
	parents map[string]bool
}

func newReader(out io.Writer, verbose bool) *reader {
	return &reader{out: out, verbose: verbose, output: map[string]*bytes.Buffer{}, parents: map[string]bool{}}
}

func (r *reader) read(stream io.Reader) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				r.event(e)
			} else {
				r.print(string(line)) // such as a panic's text, past go test's own
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *reader) event(e event) {
	key := e.Package + " " + e.Test
	took := time.Duration(e.Elapsed * float64(time.Second))
	switch e.Action {
	case "build-output":
		r.print(e.Output)
	case "build-fail":
		r.report.Failed = true
	case "output":
		if r.verbose {
			r.print(e.Output)
		}
		if r.output[key] == nil {
			r.output[key] = &bytes.Buffer{}
		}
		r.output[key].WriteString(e.Output)
	case "attr":
		if e.Key == measured {
			name := strings.TrimPrefix(e.Package, modulePrefix) + " " + e.Test
			r.report.Measured = append(r.report.Measured, Measurement{name, e.Value})
		}
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e, took)
		} else {
			r.endTest(e, took)
		}
		delete(r.output, key)
	}
}

func (r *reader) endTest(e event, took time.Duration) {
	output := r.take(e)
	name := strings.TrimPrefix(e.Package, modulePrefix) + " " + e.Test
	switch e.Action {
	case "fail":
		r.report.Failed = true
		if why := complaints(output); why != "" { // its subtests' say why otherwise
			r.report.Failures = append(r.report.Failures, Failure{name, why})
		}
		if !r.verbose {
			r.print(output)
		}
	case "skip":
		r.report.LeftOut = append(r.report.LeftOut, LeftOut{name, reason(output)})
	}
	depth := strings.Count(e.Test, "/")
	if parent := path.Dir(e.Test); depth > 0 {
		r.parents[e.Package+" "+parent] = true
	}
	if depth > deepest || r.parents[e.Package+" "+e.Test] {
		return
	}
	r.report.Tests = append(r.report.Tests, Timing{name, took})
	if took >= slow && !r.verbose {
		r.print(fmt.Sprintf("    %-4s %6.1f s  %s\n", e.Action, took.Seconds(), e.Test))
	}
}

func (r *reader) endPackage(e event, took time.Duration) {
	output := r.take(e)
	if e.Action == "skip" { // there are no tests in it
		return
	}
	if !r.verbose {
		// Of one that passed only its closing line matters.
		if e.Action == "pass" {
			output = lastLine(output)
		}
		r.print(output)
	}
	r.report.Packages = append(r.report.Packages, Timing{e.Package, took})
	if e.Action == "fail" {
		r.report.Failed = true
		// A test that never ended, because the program did, has said something too.
		for _, key := range slices.Sorted(maps.Keys(r.output)) {
			unfinished := r.output[key]
			if !strings.HasPrefix(key, e.Package+" ") || unfinished.Len() == 0 {
				continue
			}
			if name := strings.TrimPrefix(key, modulePrefix); key != e.Package+" " {
				r.report.Failures = append(r.report.Failures, Failure{name, "it did not end"})
			}
			if !r.verbose {
				r.print(unfinished.String())
			}
		}
		name := strings.TrimPrefix(e.Package, modulePrefix)
		if !slices.ContainsFunc(r.report.Failures, func(f Failure) bool { return strings.HasPrefix(f.Test, name+" ") }) {
			r.report.Failures = append(r.report.Failures, Failure{name, "not in a test, or without a word: see above"})
		}
	}
}

func (r *reader) take(e event) string {
	if b := r.output[e.Package+" "+e.Test]; b != nil {
		return b.String()
	}
	return ""
}

// print writes progress. That it cannot be written is no reason to stop.
func (r *reader) print(text string) { _, _ = io.WriteString(r.out, text) }

// reason is what a skipped test said: its output but for go test's own lines.
func reason(output string) string {
	var words []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		words = append(words, beginning.ReplaceAllString(line, ""))
	}
	return strings.Join(words, " ")
}

// beginning is how a line of t.Log, t.Error, t.Skip and their like begins.
var beginning = regexp.MustCompile(`^\s*\S+\.go:\d+: `)

// complaints are the first lines of what a failed test said: each thing with its first lines.
func complaints(output string) string {
	const most, each, long = 12, 3, 300
	var lines []string
	left := 0
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if beginning.MatchString(line) {
			left = each
		}
		if left == 0 || line == "" || strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "=== ") {
			continue
		}
		left--
		if len(lines) == most {
			return strings.Join(append(lines, "…"), "\n")
		}
		if len(line) > long {
			line = strings.ToValidUTF8(line[:long], "") + "…"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func lastLine(output string) string {
	lines := strings.SplitAfter(strings.TrimRight(output, "\n"), "\n")
	return lines[len(lines)-1] + "\n"
}
