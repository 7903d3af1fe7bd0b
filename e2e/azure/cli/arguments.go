package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"akv-injector/e2e/azure/vault"
)

// az takes lists and truths in a way of its own: "--tags a=1 b=2", "--enabled false".
var (
	listFlags  = []string{"--tags", "--audiences"}
	truthFlags = []string{"--enabled", "--disabled", "--enable-rbac-authorization"}
)

// spread rewrites arguments to what cobra's flags take: one word a flag.
func spread(args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		next := func() (string, bool) {
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				return args[i+1], true
			}
			return "", false
		}
		switch {
		case slices.Contains(listFlags, args[i]):
			flag := args[i]
			for word, ok := next(); ok; word, ok = next() {
				out = append(out, flag+"="+word)
				i++
			}
		case slices.Contains(truthFlags, args[i]):
			word, ok := next()
			if ok && (strings.EqualFold(word, "true") || strings.EqualFold(word, "false")) {
				out = append(out, args[i]+"="+strings.ToLower(word))
				i++
			} else {
				out = append(out, args[i])
			}
		default:
			out = append(out, args[i])
		}
	}
	return out
}

// attributes are the flags of a version's attributes.
type attributes struct {
	enabled            bool
	disabled           bool
	expires, notBefore string
	contentType        string
	tags               []string
}

func (a *attributes) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.expires, "expires", "", "expiration UTC datetime (Y-m-d'T'H:M:S'Z')")
	f.StringVar(&a.notBefore, "not-before", "", "UTC datetime (Y-m-d'T'H:M:S'Z') before which it is not good")
	f.StringVar(&a.contentType, "content-type", "", "type of the content, such as a password")
	f.StringArrayVar(&a.tags, "tags", nil, "key=value, as many as wanted")
}

// value reads the flags; what was not given is left as it is.
func (a *attributes) value(c *cobra.Command) (vault.Attributes, error) {
	made := vault.Attributes{ContentType: a.contentType}
	if c.Flags().Changed("enabled") {
		made.Enabled = new(a.enabled)
	}
	if c.Flags().Changed("disabled") {
		made.Enabled = new(!a.disabled)
	}
	for flag, to := range map[string]struct {
		text string
		at   **time.Time
	}{"expires": {a.expires, &made.Expires}, "not-before": {a.notBefore, &made.NotBefore}} {
		if to.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, to.text)
		if err != nil {
			return vault.Attributes{}, usagef("argument --%s: %q is not a UTC datetime such as 2030-01-31T12:00:00Z", flag, to.text)
		}
		*to.at = new(at)
	}
	if len(a.tags) > 0 {
		made.Tags = tagged(a.tags)
	}
	return made, nil
}

// tagged reads tags.
func tagged(words []string) map[string]string {
	tags := map[string]string{}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		tags[key] = value
	}
	return tags
}
