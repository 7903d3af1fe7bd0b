package annotation

import (
	"strings"

	"akv-injector/internal/text"
)

// NearOurs reports whether the prefix of a key is a misspelt one of ours: by a slip or two, whatever follows, or by
// more, before the name of an annotation that we have.
func NearOurs(key string) bool {
	prefix, name, ok := strings.Cut(key, "/")
	// Every annotation of every pod comes by here; the webhooks' conditions have the same beginning.
	const begins = "azure"
	if !ok || len(key) > 253 || len(prefix) < len(begins) || !strings.EqualFold(prefix[:len(begins)], begins) || prefix+"/" == Prefix {
		return false
	}
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == '.' || r == '-' || r == '_' {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	given, own := letters(prefix), letters(strings.TrimSuffix(Prefix, "/"))
	const slip = 2
	if strings.Contains(given, "inject") && text.Distance(given, own, slip) <= slip {
		return true
	}
	if _, _, ours := Find(Prefix + strings.ToLower(name)); !ours {
		return false
	}
	for _, end := range []string{"io", "com", "dev", "net"} {
		if rest := strings.TrimSuffix(given, end); rest != given && len(rest) >= len(own)-2 {
			given = rest
			break
		}
	}
	const fewEdits = 3
	return given == own || abs(len(given)-len(own)) <= fewEdits && text.Nearest(given, []string{own}) != "" && strings.Contains(given, "inject")
}

func abs(n int) int { return max(n, -n) }
