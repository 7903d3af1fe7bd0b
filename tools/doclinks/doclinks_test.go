package main

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const readme = "# Title\n" +
	"\n" +
	"See [the guide](docs/guide.md#set-up), [a folder](docs), [code](main.go#L2), and\n" +
	"text that goes on in [the\nnext line](docs/guide.md \"A title\").\n" +
	"\n" +
	"    [not a link](in/code.md)\n" +
	"\n" +
	"`[neither](in/code.md)` <https://example.com/a?b#c> https://example.com\n" +
	"\n" +
	"```\n[nor](this.md)\n```\n" +
	"\n" +
	"![a picture](docs/picture.svg) [by reference][guide] [mail](mailto:a@example.com)\n" +
	"\n" +
	"[guide]: docs/guide.md#set-up-1\n"

const guide = "# Set up\n\n## Set up\n\n[back](../README.md#title) [here](#set-up) <a id=\"own\"></a>[own](#own)\n"

func check(t *testing.T, files map[string]string) []string {
	t.Helper()
	fsys, names := fstest.MapFS{}, []string{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
		names = append(names, name)
	}
	slices.Sort(names)
	problems, err := run(fsys, strings.NewReader(strings.Join(names, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

func TestGoodLinks(t *testing.T) {
	problems := check(t, map[string]string{
		"README.md": readme, "docs/guide.md": guide, "docs/picture.svg": "", "main.go": "package main\n\n",
	})
	if len(problems) > 0 {
		t.Errorf("found %q", problems)
	}
}

func TestBadLinks(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"missing file":             {"[a](missing.md)", "docs/a.md:1: missing.md: no such file"},
		"missing picture":          {"![a](missing.svg)", "docs/a.md:1: missing.svg: no such file"},
		"by reference":             {"[a][r]\n\n[r]: missing.md", "docs/a.md:1: missing.md: no such file"},
		"in HTML":                  {"<p>\n<a href=\"missing.md\">a</a>\n</p>", "docs/a.md:1: missing.md: no such file"},
		"in a table":               {"| a |\n| --- |\n| [a](missing.md) |", "docs/a.md:3: missing.md: no such file"},
		"in a list":                {"- a\n- [a](missing.md)", "docs/a.md:2: missing.md: no such file"},
		"in the second line":       {"a\nb [a](missing.md)", "docs/a.md:2: missing.md: no such file"},
		"above the tree":           {"[a](../../a.md)", "docs/a.md:1: ../../a.md: no such file"},
		"case of a file":           {"[a](B.md)", "docs/a.md:1: B.md: no such file"},
		"missing heading":          {"[a](#missing)", "docs/a.md:1: #missing: no such heading"},
		"missing heading of a doc": {"[a](b.md#missing)", "docs/a.md:1: b.md#missing: no such heading"},
		"case of a heading":        {"# A\n[a](#A)", "docs/a.md:2: #A: no such heading"},
		"heading of a folder":      {"[a](../docs#a)", "docs/a.md:1: ../docs#a: a folder has no headings"},
		"line of code":             {"[a](../main.go#L9)", "docs/a.md:1: ../main.go#L9: no such line"},
		"heading of code":          {"[a](../main.go#main)", "docs/a.md:1: ../main.go#main: not a line, such as L7 or L7-L9"},
		"absolute":                 {"[a](/docs/b.md)", "docs/a.md:1: /docs/b.md: not relative: it depends on where the document is shown"},
		"without a scheme":         {"[a](//example.com/a)", "docs/a.md:1: //example.com/a: not relative: it depends on where the document is shown"},
		"no host":                  {"[a](https:///a)", "docs/a.md:1: https:///a: not an address"},
		"bad escape":               {"[a](https://example.com/%zz)", "docs/a.md:1: https://example.com/%zz: not an address"},
		"another scheme":           {"[a](file:///etc/passwd)", "docs/a.md:1: file:///etc/passwd: links are relative, https or mailto"},
	} {
		t.Run(name, func(t *testing.T) {
			got := check(t, map[string]string{"docs/a.md": test.text + "\n", "docs/b.md": "# B\n", "main.go": "package main\n"})
			if !slices.Equal(got, []string{test.want}) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

func TestDocumentThatIsNotThere(t *testing.T) {
	if problems, err := run(fstest.MapFS{}, strings.NewReader("a.md")); err == nil {
		t.Errorf("no error, and found %q", problems)
	}
}

// The anchors are those that GitHub has for such headings.
func TestAnchors(t *testing.T) {
	for heading, want := range map[string]string{
		"Set up":                              "set-up",
		"What was measured, and what not":     "what-was-measured-and-what-not",
		"Before anything is applied: kubectl": "before-anything-is-applied-kubectl",
		"`lint` and *preview*":                "lint-and-preview",
		"AKV001 subpath":                      "akv001-subpath",
		"A [link](https://example.com) here":  "a-link-here",
		"snake_case, kebab-case":              "snake_case-kebab-case",
		"Ünïcode & more":                      "ünïcode--more",
		"Is it?":                              "is-it",
		"1. First":                            "1-first",
	} {
		doc := parse([]byte("# " + heading + "\n"))
		if !doc.anchors[want] {
			t.Errorf("%q has %v, want %s", heading, doc.anchors, want)
		}
	}
	doc := parse([]byte("# A\n\n# A\n\n# A-1\n\nA\n=\n"))
	for _, want := range []string{"a", "a-1", "a-1-1", "a-2"} {
		if !doc.anchors[want] {
			t.Errorf("repeated headings have %v, want %s among them", doc.anchors, want)
		}
	}
}
