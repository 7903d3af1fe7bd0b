// Package examples reads what is in the folder examples as a user does: commands from
// the README, and manifests.
package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"akv-injector/e2e/build"
)

// Dir is the folder of an example, such as "aks".
func Dir(name string) (string, error) {
	root, err := build.Root()
	return filepath.Join(root, "examples", name), err
}

// Section is a part of a README.
type Section struct {
	Heading string
	// Script has the commands of all blocks marked sh.
	Script string
}

// Sections are the parts of an example's README below its title.
func Sections(dir string) ([]Section, error) {
	file := filepath.Join(dir, "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var sections []Section
	inside := false // of a block
	for line := range strings.Lines(string(text)) {
		heading, isHeading := strings.CutPrefix(line, "## ")
		switch {
		case isHeading && !inside:
			sections = append(sections, Section{Heading: strings.TrimSpace(heading)})
		case line == "```sh\n" && !inside && len(sections) > 0:
			inside = true
		case strings.HasPrefix(line, "```"):
			if !inside {
				return nil, fmt.Errorf("%s: a block that is not one of sh, or comes before the first heading: %s", file, line)
			}
			inside = false
		case inside:
			sections[len(sections)-1].Script += line
		}
	}
	return sections, nil
}

// Blocks are the blocks marked sh below a heading of a document, which may have blocks of
// other kinds, elsewhere too.
func Blocks(file, heading string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		return nil, fmt.Errorf("%s has no heading %q", file, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for i, part := range strings.Split(section, "```") {
		if script, ok := strings.CutPrefix(part, "sh\n"); ok && i%2 == 1 {
			blocks = append(blocks, script)
		}
	}
	return blocks, nil
}

// Lines counts the lines of a manifest that its user writes: not the empty ones, and no
// comments.
func Lines(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	count := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			count++
		}
	}
	return count, nil
}
