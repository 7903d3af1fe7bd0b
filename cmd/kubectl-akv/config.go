package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// configFile is what a repository says once, instead of each call.
const configFile = manifest.ConfigFile

// config is the content of a configuration file. Flags of the command line count before it.
type config struct {
	// Namespace of the objects that name none.
	Namespace string `json:"namespace,omitempty"`
	// Complete, as the flag.
	Complete *bool `json:"complete,omitempty"`
	// Server has the flags of akv-injector, by their names: tenant-id.
	Server map[string]string `json:"server,omitempty"`
	// Exclude are the paths that are left out: globs, with ** for any folders.
	Exclude []string `json:"exclude,omitempty"`
	// Rules are off, warning or error.
	Rules lint.Levels `json:"rules,omitempty"`
	// Baseline is a file of findings that are not told again.
	Baseline string `json:"baseline,omitempty"`
	// FailOn, as the flag.
	FailOn string `json:"failOn,omitempty"`
}

// serverFlags are the flags of a server that a verdict depends on.
var serverFlags = []string{"tenant-id", "cloud", "rotation-poll-interval", "allowed-vaults", "forbid-allow"}

// readConfig reads the file that is named, or else .akv.yaml of this folder if there is one.
func readConfig(name string) (*config, error) {
	file := name
	if file == "" {
		file = configFile
	}
	text, err := os.ReadFile(file) //nolint:gosec // the user's own file
	switch {
	case errors.Is(err, os.ErrNotExist) && name == "":
		return &config{}, nil
	case err != nil:
		return nil, fmt.Errorf("--config: %s cannot be read", file)
	}
	c := &config{}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		message := strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "error unmarshaling JSON: while decoding JSON: ")), " ")
		if strings.Contains(message, "unknown field") {
			message = strings.TrimPrefix(message, "json: ") + "; there are namespace, complete, server, exclude, rules, baseline and failOn"
		}
		return nil, fmt.Errorf("%s: %s", file, message)
	}
	for id, level := range c.Rules {
		if level == "false" { // off, as YAML reads it without quotes
			c.Rules[id] = lint.LevelOff
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, oneLine(errorsIn(err)))
	}
	if c.Baseline != "" && !filepath.IsAbs(c.Baseline) {
		c.Baseline = filepath.Join(filepath.Dir(file), c.Baseline)
	}
	return c, nil
}

func errorsIn(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()
	}
	return []error{err}
}

func (c *config) check() error {
	var errs []error
	for _, key := range sortedKeysOf(c.Server) {
		if !slices.Contains(serverFlags, key) {
			errs = append(errs, fmt.Errorf("server: %q is no flag that a verdict depends on: write %s", key, strings.Join(serverFlags, ", ")))
		}
	}
	for _, pattern := range c.Exclude {
		if _, err := path.Match(strings.ReplaceAll(pattern, "**", "*"), "x"); err != nil {
			errs = append(errs, fmt.Errorf("exclude: %q is no pattern", pattern))
		}
	}
	fence := inject.RuleVaultNotAllowed()
	if err := c.Rules.Check(func(id string) bool { return inject.RuleByID(id) != nil }, fence.ID); err != nil {
		errs = append(errs, errorsIn(err)...)
	}
	if c.FailOn != "" {
		if err := oneOf("failOn", c.FailOn, failOns); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func sortedKeysOf(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// apply sets the flags that were not given.
func (c *config) apply(cmd *cobra.Command) error {
	flags := cmd.Flags()
	set := func(name, value string) error {
		f := flags.Lookup(name)
		if f == nil || f.Changed {
			return nil
		}
		if err := f.Value.Set(value); err != nil {
			return fmt.Errorf("%s: %s: %w", configFile, name, err)
		}
		return nil
	}
	var errs []error
	if c.Namespace != "" {
		errs = append(errs, set("namespace", c.Namespace))
	}
	if c.Complete != nil {
		errs = append(errs, set("complete", fmt.Sprint(*c.Complete)))
	}
	for _, key := range sortedKeysOf(c.Server) {
		errs = append(errs, set(key, c.Server[key]))
	}
	if c.FailOn != "" {
		errs = append(errs, set("fail-on", c.FailOn))
	}
	if c.Baseline != "" {
		errs = append(errs, set("baseline", c.Baseline))
	}
	return errors.Join(errs...)
}

// excludes reports whether a path is left out.
func (c *config) excludes(file string) bool {
	if len(c.Exclude) == 0 {
		return false
	}
	file = filepath.ToSlash(filepath.Clean(file))
	for _, pattern := range c.Exclude {
		if matchPath(strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(file, "/")) {
			return true
		}
	}
	return false
}

// matchPath matches a path, or a folder above it, against a pattern, part by part; ** stands for any parts. Only the
// last ** that was passed is tried again: what stands before it has matched as early as it can.
func matchPath(pattern, parts []string) bool {
	at, last, tried := 0, -1, 0
	for i := 0; i < len(pattern); {
		if pattern[i] == "**" {
			i++
			last, tried = i, at
			continue
		}
		if at < len(parts) {
			if ok, err := path.Match(pattern[i], parts[at]); err == nil && ok {
				i, at = i+1, at+1
				continue
			}
		}
		if last < 0 || tried >= len(parts) {
			return false
		}
		tried++
		i, at = last, tried
	}
	return true
}

// bindConfig adds the flag that names a configuration file.
func bindConfig(flags *pflag.FlagSet, into *string) {
	flags.StringVar(into, "config", "", "`file` of settings, instead of "+configFile+" in this folder")
}
