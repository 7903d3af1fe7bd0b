package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sharedFacts are the facts that cases name.
type sharedFacts struct {
	dir    string
	byName map[string]objects
	used   map[string]bool
}

func loadFacts(dir string) (*sharedFacts, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	f := &sharedFacts{dir: dir, byName: map[string]objects{}, used: map[string]bool{mainFacts: true}}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		name, ok := strings.CutSuffix(e.Name(), factsEnd)
		if !ok {
			return nil, fmt.Errorf("%s: only facts, which end in %s, belong here", path, factsEnd)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if f.byName[name], err = readObjects(text); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if f.byName[mainFacts] == nil {
		return nil, fmt.Errorf("%s: no %s%s, which all cases share", dir, mainFacts, factsEnd)
	}
	return f, nil
}

// named are the main facts with those of the names laid over them.
func (f *sharedFacts) named(names []string) (objects, error) {
	all := f.byName[mainFacts]
	for _, name := range names {
		facts, ok := f.byName[name]
		if !ok || name == mainFacts {
			return nil, fmt.Errorf("%s: no facts %q to name", OptionsFile, name)
		}
		f.used[name] = true
		all = all.under(facts)
	}
	return all, nil
}

// unused is an error about facts that no case names.
func (f *sharedFacts) unused() error {
	var unused []string
	for name := range f.byName {
		if !f.used[name] {
			unused = append(unused, name)
		}
	}
	if len(unused) == 0 {
		return nil
	}
	slices.Sort(unused)
	return fmt.Errorf("%s: no case names the facts %s", f.dir, strings.Join(unused, ", "))
}
