package workload

import (
	"strings"
	"testing"
)

func TestMountPathProblem(t *testing.T) {
	for name, tc := range map[string]struct {
		paths   []string
		windows bool
		ok      bool
	}{
		"linux": {[]string{"/mnt", "/mnt/secrets-store", "/a b/c", "/ä", "/a..b"}, false, true},
		"not linux": {[]string{
			"", "mnt", "./mnt", "/", "//", "/mnt/", "/mnt//a", "/mnt/./a", "/mnt/../a", "/..", "/a:b", "C:\\a", "/a\x00", "/a\nb", "/\xff", "/a\u200b",
			"/" + strings.Repeat("a", 1024),
		}, false, false},
		"windows":     {[]string{`C:\mnt`, `c:\mnt\secrets-store`, `D:\a b`, `C:\a.b`}, true, true},
		"not windows": {[]string{"", `C:`, `C:\`, `C:/mnt`, "/mnt", `\mnt`, `\\server\share`, `1:\mnt`, `CC:\mnt`, `C:\a\`, `C:\\a`, `C:\..`, `C:\a\.\b`, `C:\a/b`, `C:\a:b`, `C:\a*`, "C:\\a\n"}, true, false},
	} {
		for _, p := range tc.paths {
			if problem := MountPathProblem(p, tc.windows); !problem.Found() != tc.ok {
				t.Errorf("%s: %q: %q", name, p, problem)
			}
		}
	}
}

func TestComparablePath(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b    string
		windows bool
		same    bool
	}{
		"a trailing slash":         {"/a/", "/a", false, true},
		"dots":                     {"/a/./b/../c", "/a/c", false, true},
		"case":                     {"/A", "/a", false, false},
		"case on windows":          {`C:\A`, `c:\a`, true, true},
		"slashes on windows":       {"C:/a/b", `C:\a\b`, true, true},
		"no drive is drive C":      {"/a/b", `C:\a\b`, true, true},
		"another drive":            {`D:\a`, `C:\a`, true, false},
		"no drive, no first slash": {"a", `C:\a`, true, true},
	} {
		if same := ComparablePath(tc.a, tc.windows) == ComparablePath(tc.b, tc.windows); same != tc.same {
			t.Errorf("%s: %q and %q: %v", name, tc.a, tc.b, same)
		}
	}
}

func TestPathBelow(t *testing.T) {
	for name, tc := range map[string]struct {
		p, root string
		want    bool
	}{
		"a child":                {"/a/b", "/a", true},
		"itself":                 {"/a", "/a", false},
		"the same beginning":     {"/ab", "/a", false},
		"its parent":             {"/", "/a", false},
		"everything is below /":  {"/a", "/", true},
		"but / is not below / ":  {"/", "/", false},
		"a child of a drive's a": {"c:/a/b", "c:/a", true},
	} {
		if got := PathBelow(tc.p, tc.root); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFilePath(t *testing.T) {
	if got := FilePath("/mnt", "a/b", false); got != "/mnt/a/b" {
		t.Error(got)
	}
	if got := FilePath(`C:\mnt`, "a/b", true); got != `C:\mnt\a\b` {
		t.Error(got)
	}
}
