package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// made is what a program is made of: the modules that are linked into it, and Go's own packages.
type made struct {
	modules []module
}

// module is one of them, with its license.
type module struct {
	path, version, sum string
	license            string // in SPDX's words
	texts              []text // license and notice
}

type text struct{ name, content string }

// read reads what a program says of itself, and the licenses of it.
func (r *release) read(ctx context.Context, program string) (*made, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	wanted := []string{"list", "-m", "-json"}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			return nil, fmt.Errorf("%s is replaced, so that nobody could tell what is in the program", dep.Path)
		}
		wanted = append(wanted, dep.Path+"@"+dep.Version)
	}
	listed, err := r.goTool(ctx, nil, wanted...)
	if err != nil {
		return nil, err
	}
	folders := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var one struct{ Path, Dir string }
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		folders[one.Path] = one.Dir
	}
	root, err := r.goTool(ctx, nil, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	standard, err := licensed(module{path: "std", version: info.GoVersion}, strings.TrimSpace(string(root)))
	if err != nil {
		return nil, err
	}
	m := &made{modules: []module{standard}}
	for _, dep := range info.Deps {
		one, err := licensed(module{path: dep.Path, version: dep.Version, sum: dep.Sum}, folders[dep.Path])
		if err != nil {
			return nil, err
		}
		m.modules = append(m.modules, one)
	}
	return m, nil
}

// A module's own license and notice, and not those of what it has copied.
var licenseFile = regexp.MustCompile(`(?i)^(li[cs]en[cs]e|copying|notice|copyright|unlicense)([-.].*)?$`)

// licensed adds a module's license, from its folder.
func licensed(m module, folder string) (module, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return m, fmt.Errorf("license of %s: %w", m.path, err)
	}
	found := map[string]bool{}
	for _, entry := range entries {
		if entry.IsDir() || !licenseFile.MatchString(entry.Name()) || filepath.Ext(entry.Name()) == ".go" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return m, err
		}
		m.texts = append(m.texts, text{entry.Name(), strings.ReplaceAll(string(content), "\r\n", "\n")})
		for _, match := range licensecheck.Scan(content).Match {
			// A link to a license is not one.
			if !match.IsURL {
				found[match.ID] = true
			}
		}
	}
	if len(found) == 0 {
		return m, fmt.Errorf("%s has no license that is known, so that nobody may pass it on", m.path)
	}
	var ids []string
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	m.license = strings.Join(ids, " AND ")
	return m, nil
}

// notices are the licenses that have to go with a program.
func (m *made) notices(of string) []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "%s is made of the modules below, and of akv-injector's own code, which is under Apache-2.0 (LICENSE).\n", of)
	for _, one := range m.modules {
		name := one.path
		if name == "std" {
			name = "Go's standard library"
		}
		fmt.Fprintf(&out, "\n%s\n%s %s: %s\n", strings.Repeat("=", 80), name, one.version, one.license)
		for _, t := range one.texts {
			fmt.Fprintf(&out, "\n--- %s\n\n%s\n", t.name, strings.TrimSpace(t.content))
		}
	}
	return []byte(out.String())
}
