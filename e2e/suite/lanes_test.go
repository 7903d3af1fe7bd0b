package suite

import (
	"bytes"
	"strings"
	"testing"
)

func TestLanes(t *testing.T) {
	dir := module(t, map[string]string{
		"p/a_test.go": header + "func TestOld(t *testing.T) {}\nfunc TestNew(t *testing.T) { t.Error(\"the reason\") }\n",
		"q/a_test.go": header + "import \"os\"\nfunc TestQ(t *testing.T) { t.Skip(os.Getenv(\"OF_THE_LANE\")) }\n",
	})
	var out bytes.Buffer
	report, err := RunLanes(t.Context(), &out, Where{Dir: dir}, false, 2,
		Lane{Name: "old", Args: []string{"-skip=New", "./p"}},
		Lane{Name: "new", Args: []string{"-run=New", "./p"}},
		Lane{Args: []string{"./q"}, Env: []string{"OF_THE_LANE=no root"}})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	var packages, tests []string
	for _, p := range report.Packages {
		packages = append(packages, p.Name)
	}
	for _, p := range report.Tests {
		tests = append(tests, p.Name)
	}
	if got := strings.Join(packages, ", "); got != "sample/p (old), sample/p (new), sample/q" {
		t.Errorf("packages are %s", got)
	}
	if got := strings.Join(tests, ", "); got != "sample/p TestOld, sample/p TestNew, sample/q TestQ" {
		t.Errorf("tests are %s", got)
	}
	if !report.Failed || len(report.LeftOut) != 1 || !strings.Contains(report.LeftOut[0].Reason, "no root") || !strings.Contains(out.String(), "the reason") {
		t.Errorf("failed %t, left out %v:\n%s", report.Failed, report.LeftOut, &out)
	}
}

func TestALaneThatCannotRunIsAnError(t *testing.T) {
	var out bytes.Buffer
	if _, err := RunLanes(t.Context(), &out, Where{Dir: "/nowhere"}, false, 1, Lane{Args: []string{"./..."}}); err == nil {
		t.Error("no error")
	}
}

// Where there is room for three, those that count for two go one after the other.
func TestNoMoreLanesAtOnceThanGiven(t *testing.T) {
	const alone = header + `import ("os"; "time")
func TestAlone(t *testing.T) {
	if err := os.Mkdir("../busy", 0o700); err != nil { t.Fatal(err) }
	time.Sleep(50 * time.Millisecond)
	os.Remove("../busy")
}
`
	dir := module(t, map[string]string{
		"p/a_test.go": alone, "q/a_test.go": alone, "r/a_test.go": alone,
	})
	if err := Compile(t.Context(), dir, Lane{Args: []string{"./..."}}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	report, err := RunLanes(t.Context(), &out, Where{Dir: dir}, false, 3,
		Lane{Weight: 2, Args: []string{"./p"}}, Lane{Weight: 2, Args: []string{"./q"}}, Lane{Weight: 5, Args: []string{"./r"}})
	if err != nil || report.Failed || len(report.Tests) != 3 {
		t.Errorf("%v, %+v\n%s", err, report, &out)
	}
}

func TestCompileSaysWhatDoesNot(t *testing.T) {
	dir := module(t, map[string]string{"p/a_test.go": header + "func TestX(t *testing.T) { undefinedName() }\n"})
	if err := Compile(t.Context(), dir, Lane{Args: []string{"./..."}}); err == nil || !strings.Contains(err.Error(), "undefinedName") {
		t.Errorf("the error is %v", err)
	}
}
