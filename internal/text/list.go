package text

import "strings"

// List splits an annotation's list at commas and newlines. A # starts a comment that ends
// with the line. Empty elements are omitted.
func List(value string) []string {
	var items []string
	for line := range strings.Lines(value) {
		line, _, _ = strings.Cut(line, "#")
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
	}
	return items
}
