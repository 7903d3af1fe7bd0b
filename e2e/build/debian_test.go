package build

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool is a program of the package "tools", good when it says so.
var tool = debian{name: "tool", pkg: "tools", check: func(ctx context.Context, path string) error {
	out, err := run(ctx, filepath.Dir(path), nil, path)
	if err == nil && strings.TrimSpace(string(out)) != "good" {
		err = fmt.Errorf("%s says %q", path, out)
	}
	return err
}}

// machine makes a PATH with only the shell's basic commands and the given
// scripts, and gives its folder.
func machine(t *testing.T, scripts map[string]string) string {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"sh", "cp", "mkdir", "touch", "tar", "rm"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("needs %s: %v", name, err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range scripts {
		writeScript(t, filepath.Join(bin, name), script)
	}
	t.Setenv("PATH", bin)
	return bin
}

func writeScript(t *testing.T, path, script string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// Stand-ins for apt-get and dpkg: the package is a tar of usr/bin/tool.
const (
	downloads = `case "$*" in *"download tools") ;; *) echo "called with $*"; exit 1;; esac
echo got it >>"$CALLS"
mkdir -p usr/bin
{ echo '#!/bin/sh'; echo 'echo good'; } >usr/bin/tool
tar cf tools_1.0_amd64.deb --mode=755 usr
rm -r usr
`
	unpacks = `mkdir -p "$3" && tar xf "$2" -C "$3"`
)

func calls(t *testing.T) func() int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls")
	t.Setenv("CALLS", file)
	return func() int {
		content, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		return bytes.Count(content, []byte("\n"))
	}
}

func TestPackageIsUnpackedOnce(t *testing.T) {
	downloaded := calls(t)
	machine(t, map[string]string{"apt-get": downloads, "dpkg": unpacks})
	cache := t.TempDir()
	for range 2 {
		path, err := tool.ensure(t.Context(), nil, cache)
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(cache, tool.key(), "tool"); path != want {
			t.Errorf("the program is %s, want %s", path, want)
		}
		if err := tool.check(t.Context(), path); err != nil {
			t.Error(err)
		}
	}
	if n := downloaded(); n != 1 {
		t.Errorf("downloaded %d times, want once", n)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "*.building")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestMachineWithoutPackageLists(t *testing.T) {
	downloaded := calls(t)
	machine(t, map[string]string{"dpkg": unpacks, "apt-get": `
case "$*" in
*update) touch updated; exit;;
esac
if [ ! -e updated ]; then echo "Unable to locate package tools" >&2; exit 100; fi
` + downloads})
	if _, err := tool.ensure(t.Context(), nil, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if n := downloaded(); n != 1 {
		t.Errorf("downloaded %d times, want once", n)
	}
}

func TestProgramThatCannotBeHad(t *testing.T) {
	for name, test := range map[string]struct {
		scripts map[string]string
		want    []string
	}{
		"no apt-get": {
			map[string]string{},
			[]string{`the package: not a Debian: exec: "apt-get": executable file not found`, `this machine's: exec: "tool": executable file`},
		},
		"no network": {
			map[string]string{"apt-get": "echo broken $* >&2; exit 100"},
			[]string{"update: exit status 100\nbroken -q -c ", "download tools: exit status 100\nbroken -q -c"},
		},
		"a package without it": {
			map[string]string{"apt-get": "touch tools_1.deb", "dpkg": `mkdir "$3"`},
			[]string{"no program tool in the package tools"},
		},
		"a package that does not run here": {
			map[string]string{"apt-get": downloads, "dpkg": unpacks + `; printf '#!/bin/sh\necho libc is missing; exit 127' >"$3/usr/bin/tool"`},
			[]string{"exit status 127\nlibc is missing"},
		},
		"one of the machine's that is not fit": {
			map[string]string{"tool": "echo bad"},
			[]string{"the package: not a Debian", `tool says "bad\n"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			calls(t)
			machine(t, test.scripts)
			_, err := tool.ensure(t.Context(), nil, t.TempDir())
			if err == nil {
				t.Fatal("had")
			}
			for _, want := range append(test.want, "no tool to run: install the package tools, or make apt-get able to download it\n") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error has no %q: %v", want, err)
				}
			}
		})
	}
}

func TestMachinesOwnProgramIsNotTakenSilently(t *testing.T) {
	bin := machine(t, map[string]string{"tool": "echo good"})
	cache := t.TempDir()
	for range 2 {
		var log bytes.Buffer
		path, err := tool.ensure(t.Context(), &log, cache)
		if want := filepath.Join(bin, "tool"); err != nil || path != want {
			t.Errorf("the program is %s, %v; want %s", path, err, want)
		}
		if want := "using " + path + ", because the package tools cannot be had: not a Debian"; !strings.HasPrefix(log.String(), want) {
			t.Errorf("the log is %q", log.String())
		}
	}
}

func TestCancelledDownloadIsNoReasonForAnotherProgram(t *testing.T) {
	machine(t, map[string]string{"tool": "echo good", "apt-get": downloads})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if path, err := tool.ensure(ctx, nil, t.TempDir()); err == nil {
		t.Errorf("the program is %s", path)
	}
}

func TestWhichRuncIsFit(t *testing.T) {
	for says, want := range map[string]string{
		`runc version 1.1.5+ds1\ncommit: 1\nlibseccomp: 2.5.4`:                "",
		`runc version 1.2.5-0ubuntu1~22.04.1\nspec: 1.2.0\nlibseccomp: 2.5.3`: "",
		`runc version 1.10.0~rc1\nlibseccomp: 2.5.3`:                          "",
		`runc version 1.1.5+ds1\ncommit: 1`:                                   "built without libseccomp",
		`runc version 1.0.3\nlibseccomp: 2.5.4`:                               `says "runc version 1.0.3": want runc 1.1 or newer`,
		`crun version 1.8\n+SECCOMP`:                                          "want runc 1.1",
	} {
		path := filepath.Join(t.TempDir(), "runc")
		writeScript(t, path, "printf '"+says+`\n'`)
		if err := checkRunc(t.Context(), path); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error is %v, want %q", says, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "runc")
	writeScript(t, path, "echo cannot open shared object file >&2; exit 127")
	err := checkRunc(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), "package libseccomp2") || !strings.Contains(err.Error(), "cannot open shared") {
		t.Errorf("error is %v", err)
	}
}

func TestBusyboxMustBeStatic(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	if err := checkBusybox(t.Context(), shell); err == nil || !strings.Contains(err.Error(), "want busybox-static's") {
		t.Errorf("error is %v", err)
	}
}

func TestNamesAreOfProgramsThatCanBeMade(t *testing.T) {
	for _, name := range append(ControlPlane(), Node()...) {
		_, recipe := programs[name]
		_, debian := packages[name]
		if recipe == debian {
			t.Errorf("%s: a recipe: %t, a package: %t; want one of them", name, recipe, debian)
		}
	}
}
