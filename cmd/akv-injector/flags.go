package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// lookupEnv is os.LookupEnv.
type lookupEnv func(name string) (string, bool)

// envName is the environment variable that stands for a flag.
func envName(flag string) string {
	return "AKV_INJECTOR_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// onCommandLine are the flags that no environment variable stands for.
var onCommandLine = []string{"help", "version"}

// parseOptions reads the flags, then the environment for those that were not given,
// and returns everything that is wrong with them, each a line that names the flag
// and the fix.
//
// Variables that no flag goes by are no error: for a Service called akv-injector,
// Kubernetes puts AKV_INJECTOR_PORT and the like into the pods of its namespace.
func parseOptions(args []string, env lookupEnv) (options, []string) {
	var o options
	var problems []string
	all := pflag.NewFlagSet("akv-injector", pflag.ContinueOnError)
	all.SetInterspersed(true)
	all.Usage = func() {}
	for _, g := range o.groups() {
		all.AddFlagSet(g.flags)
	}
	// pflag stops at the first value that it cannot read. Here each goes on the list.
	all.VisitAll(func(f *pflag.Flag) {
		f.Value = &collecting{Value: f.Value, fallback: f.DefValue, report: func(name, value string, err error) {
			problems = append(problems, unreadable(name, value, f.Value.Type(), err))
		}, name: "--" + f.Name}
	})

	if err := all.Parse(args); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return o, append(problems, err.Error())
	}
	if o.help || o.version {
		return o, nil
	}
	if rest := all.Args(); len(rest) > 0 {
		problems = append(problems, fmt.Sprintf("%q: akv-injector takes flags only; remove it, or write --flag=value with an equals sign", rest[0]))
	}

	all.VisitAll(func(f *pflag.Flag) {
		// An empty variable is as good as none, so that a manifest can leave one blank.
		value, _ := env(envName(f.Name))
		if f.Changed || value == "" || slices.Contains(onCommandLine, f.Name) {
			return
		}
		if v, ok := f.Value.(*collecting); ok {
			v.name = envName(f.Name)
			_ = v.Set(value) // never fails
		}
	})
	// What could not be parsed is reported already; its default passes here.
	return o, append(problems, o.validate()...)
}

func unreadable(name, value, typ string, err error) string {
	examples := map[string]string{
		"bool":     "true or false",
		"int":      "a whole number",
		"duration": "a number with a unit, such as 30s or 10m",
	}
	if example, ok := examples[typ]; ok {
		return fmt.Sprintf("%s=%q: write %s", name, value, example)
	}
	return fmt.Sprintf("%s=%q: %v", name, value, err)
}

// collecting reports a value that cannot be read, takes the default, and goes on.
type collecting struct {
	pflag.Value
	// name is where the value comes from: the flag or the variable.
	name     string
	fallback string
	report   func(name, value string, err error)
}

func (c *collecting) Set(value string) error {
	if err := c.Value.Set(value); err != nil {
		c.report(c.name, value, err)
		return c.Value.Set(c.fallback)
	}
	return nil
}
