package suite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/rundir"
)

// module is a module with tests of every outcome.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module sample\n\ngo 1.26\n"
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func runIn(t *testing.T, dir string, args ...string) (*Report, string) {
	t.Helper()
	var out bytes.Buffer
	report, err := Run(t.Context(), &out, Where{Dir: dir}, false, append(args, "./...")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return report, out.String()
}

const header = "package p\n\nimport \"testing\"\n\n"

func TestOutcomes(t *testing.T) {
	dir := module(t, map[string]string{
		"good/a_test.go": header + "func TestGood(t *testing.T) { t.Log(\"chatter\") }\nfunc TestLeft(t *testing.T) { t.Skip(\"left out: no root\") }\n",
		"bad/a_test.go":  header + "func TestBad(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Error(\"the reason\") }) }\n",
		"none/a.go":      "package p\n",
	})
	report, out := runIn(t, dir)
	if !report.Failed {
		t.Error("not failed")
	}
	// The failed one counts as its subtest.
	if len(report.Tests) != 3 || len(report.Packages) != 2 {
		t.Errorf("tests %v, packages %v", report.Tests, report.Packages)
	}
	for _, want := range []string{"the reason", "--- FAIL: TestBad/sub", "FAIL\tsample/bad", "ok  \tsample/good"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "chatter") {
		t.Errorf("has what a good test says:\n%s", out)
	}
	var summary bytes.Buffer
	Summarize(&summary, []Phase{{"unit", time.Second, report}})
	const want = "NOT TESTED (1 tests): left out: no root\n  sample/good TestLeft\nFAILED: sample/bad TestBad/sub\n    a_test.go:5: the reason\n"
	if !strings.HasSuffix(summary.String(), want) {
		t.Errorf("the summary does not end with what was left out and what failed:\n%s", &summary)
	}
}

func TestComplaints(t *testing.T) {
	long := strings.Repeat("a", 1000)
	for output, want := range map[string]string{
		"": "",
		"=== RUN   TestX\n--- FAIL: TestX (0.00s)\n":                                      "",
		"=== RUN   TestX\nchatter\n    a_test.go:5: 1\n        2\n        3\n        4\n": "a_test.go:5: 1\n2\n3",
		"    a.go:5: " + long + "\n":                                                      "a.go:5: " + long[:292] + "…",
		strings.Repeat("    a_test.go:5: x\n", 20):                                        strings.Repeat("a_test.go:5: x\n", 12) + "…",
	} {
		if got := complaints(output); got != want {
			t.Errorf("of %.200q it is\n%q, want\n%q", output, got, want)
		}
	}
}

func TestWhatDoesNotCompileFails(t *testing.T) {
	report, out := runIn(t, module(t, map[string]string{"a_test.go": header + "func TestX(t *testing.T) { undefinedName() }\n"}))
	if !report.Failed || !strings.Contains(out, "undefinedName") || len(report.Failures) != 1 || report.Failures[0].Test != "sample" {
		t.Errorf("failed: %t, %v, says:\n%s", report.Failed, report.Failures, out)
	}
}

func TestWhatATestSaidBeforeAPanicIsShown(t *testing.T) {
	report, out := runIn(t, module(t, map[string]string{
		"a_test.go": header + "func TestX(t *testing.T) { t.Log(\"before\"); panic(\"the end\") }\nfunc TestY(t *testing.T) {}\n",
	}))
	if !report.Failed || !strings.Contains(out, "the end") || !strings.Contains(out, "before") {
		t.Errorf("failed: %t, says:\n%s", report.Failed, out)
	}
}

func TestATimeoutFails(t *testing.T) {
	report, out := runIn(t, module(t, map[string]string{
		"a_test.go": header + "func TestX(t *testing.T) { select {} }\n",
	}), "-timeout=100ms")
	if !report.Failed || !strings.Contains(out, "TestX") {
		t.Errorf("failed: %t, says:\n%s", report.Failed, out)
	}
}

func TestAnInterruptEndsTheTests(t *testing.T) {
	dir := module(t, map[string]string{"a_test.go": header + "func TestX(t *testing.T) { t.Log(\"started\"); select {} }\n"})
	ctx, cancel := context.WithCancel(t.Context())
	out := &trigger{want: "started", fire: cancel}
	if _, err := Run(ctx, out, Where{Dir: dir}, true, "./..."); err == nil {
		t.Error("no error")
	}
}

// trigger fires when it has been written a text.
type trigger struct {
	seen bytes.Buffer
	want string
	fire func()
}

func (w *trigger) Write(p []byte) (int, error) {
	w.seen.Write(p)
	if strings.Contains(w.seen.String(), w.want) {
		w.fire()
	}
	return len(p), nil
}

// What is measured is told though the test passes, and comes before what was left out,
// which has the last word.
func TestMeasurementsAreTold(t *testing.T) {
	dir := module(t, map[string]string{
		"p/a_test.go": header + "func TestFast(t *testing.T) { t.Attr(\"measured\", \"visible after 3 s\"); t.Attr(\"other\", \"chatter\") }\nfunc TestLeft(t *testing.T) { t.Skip(\"no root\") }\n",
	})
	report, _ := runIn(t, dir)
	var summary bytes.Buffer
	Summarize(&summary, []Phase{{"unit", time.Second, report}})
	for _, want := range []string{"Measured:\n  visible after 3 s (sample/p TestFast)\n", "NOT TESTED (1 tests): no root\n"} {
		if !strings.Contains(summary.String(), want) {
			t.Errorf("no %q in:\n%s", want, &summary)
		}
	}
	if strings.Contains(summary.String(), "chatter") {
		t.Errorf("has another attribute:\n%s", &summary)
	}
}

// Tests that are killed leave their files in the folder of the run.
func TestTemporaryFilesAreInTheFolderOfTheRun(t *testing.T) {
	place, err := rundir.New(t.TempDir(), "run-", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close(false)
	dir := module(t, map[string]string{
		"a_test.go": "package p\n\nimport (\"os\"; \"testing\")\n\nfunc TestX(t *testing.T) {\n" +
			"os.WriteFile(os.TempDir()+\"/left\", nil, 0o600)\nos.Exit(1)\n}\n",
	})
	var out bytes.Buffer
	if _, err := Run(t.Context(), &out, Where{Dir: dir, Run: place}, false, "./..."); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(place.Path, "left")); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
}
