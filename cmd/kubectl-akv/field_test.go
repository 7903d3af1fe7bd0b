package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"akv-injector/internal/cli/lint"
)

var updateField = flag.Bool("update-field", false, "write the want files of testdata/field anew, without words")

// TestField holds what real people wrote against what is right of it. Each file of testdata/field, or folder of files,
// has a want file, with one line for everything that is said:
//
//	exit 1
//	error AKV001 spec.containers[0].volumeMounts[0].subPath | words | that the message or its fix must have
//	problem 12 | words
//	convert 0 | words on the standard error
//	writes words that the converted file has
//
// A finding or problem without a line fails the test, and so does a line without one.
func TestField(t *testing.T) {
	paths, err := filepath.Glob("testdata/field/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range paths {
		if strings.HasSuffix(path, ".want") {
			continue
		}
		n++
		base := strings.TrimSuffix(path, ".yaml")
		t.Run(filepath.Base(base), func(t *testing.T) {
			f := &fieldCase{T: t, path: path, want: base + ".want"}
			f.lint()
			if *updateField {
				f.write()
				return
			}
			f.hold()
		})
	}
	if n < 70 {
		t.Errorf("only %d cases", n)
	}
}

type fieldCase struct {
	*testing.T
	path, want string
	exit       int
	// said is what lint said, each with the text that words are looked for in.
	said []saidLine
}

type saidLine struct{ head, text string }

var problemLine = regexp.MustCompile(`^[^ ]*?:(\d+): (.*)$`)

func (f *fieldCase) lint() {
	f.Helper()
	code, stdout, stderr := run(f.T, "", "lint", "-R", "-f", f.path, "-o", "json")
	f.exit = code
	var findings []lint.Finding
	if err := json.Unmarshal([]byte(stdout), &findings); err != nil {
		f.Fatal(err, stdout)
	}
	for _, found := range findings {
		f.said = append(f.said, saidLine{
			fmt.Sprintf("%s %s %s", found.Severity, found.Rule, found.Field),
			found.Message + " " + found.Fix + " " + strings.Join(found.Workloads, " "),
		})
	}
	for line := range strings.Lines(stderr) {
		if m := problemLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
			f.said = append(f.said, saidLine{"problem " + m[1], m[2]})
		} else if strings.HasPrefix(line, f.path) { // of a folder
			f.said = append(f.said, saidLine{"problem 0", line})
		}
	}
}

func (f *fieldCase) write() {
	lines := []string{fmt.Sprintf("exit %d", f.exit)}
	for _, s := range f.said {
		lines = append(lines, s.head)
	}
	if err := os.WriteFile(f.want, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		f.Fatal(err)
	}
}

func (f *fieldCase) hold() {
	text, err := os.ReadFile(f.want)
	if err != nil {
		f.Fatal(err)
	}
	left := slices.Clone(f.said)
	converted, stderr := "", ""
	for line := range strings.Lines(string(text)) {
		parts := strings.Split(strings.TrimSpace(line), " | ")
		head, words := parts[0], parts[1:]
		switch kind, rest, _ := strings.Cut(head, " "); kind {
		case "exit":
			if rest != fmt.Sprint(f.exit) {
				f.Errorf("exit code %d, want %s", f.exit, rest)
			}
		case "convert":
			var code int
			code, converted, stderr = run(f.T, "", "convert", "-R", "-f", f.path)
			if rest != fmt.Sprint(code) {
				f.Errorf("convert: exit code %d, want %s:\n%s", code, rest, stderr)
			}
			f.has("convert", stderr, words)
		case "writes":
			f.has("convert", converted, []string{strings.ReplaceAll(rest, `\r`, "\r")})
		default:
			at := slices.IndexFunc(left, func(s saidLine) bool {
				return s.head == head && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s.text, w) })
			})
			if at < 0 {
				f.Errorf("not said: %s", strings.TrimSpace(line))
				continue
			}
			left = slices.Delete(left, at, at+1)
		}
	}
	for _, s := range left {
		f.Errorf("said, and not wanted: %s: %s", s.head, s.text)
	}
}

func (f *fieldCase) has(what, text string, words []string) {
	f.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			f.Errorf("%s: %q is not in\n%s", what, w, text)
		}
	}
}

// TestCharts has whole applications in the shapes of public charts and repositories: none of them has an error.
func TestCharts(t *testing.T) {
	files, err := filepath.Glob("testdata/charts/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			code, stdout, stderr := run(t, "", "lint", "-f", file, "--strict")
			if code != exitOK || strings.Contains(stdout, " error ") {
				t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}
