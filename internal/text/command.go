package text

import (
	"regexp"
	"strings"
)

// Values of a command, by their names in it.
type Values map[string]string

// Command writes a command for a POSIX shell, and is the only place that does. {name} in the format stands for
// a value. Values are outside text: one that is not plain never gets into the command, and '<name>' stands there in its
// place, for the reader to fill in. Words between parentheses are left out if their value is not set:
// "kubectl edit pod (-n {namespace}) {pod}". $NAME in the format is a variable of the shell, for a command of a script.
func Command(format string, values Values) string {
	var words, group []string
	optional, missing := false, false
	for word := range strings.FieldsSeq(format) {
		if rest, begins := strings.CutPrefix(word, "("); begins {
			word, optional, missing, group = rest, true, false, nil
		}
		word, ends := strings.CutSuffix(word, ")")
		missing = missing || unset(word, values)
		group = append(group, quote(fill(word, values)))
		if optional && !ends {
			continue
		}
		if !optional || !missing {
			words = append(words, group...)
		}
		optional, group = false, nil
	}
	return strings.Join(words, " ")
}

var (
	valueInFormat = regexp.MustCompile(`\{([a-z-]+)\}`)
	// plain values are names, ids, durations and addresses. None begins with a hyphen, since it would be an option.
	plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@*-]{0,252}$`)
	// bare words mean the same to a shell with and without quotes.
	bare = regexp.MustCompile(`^[A-Za-z0-9_./:=@,%+-]+$`)
	// variables are ours: no value has a $.
	variables = regexp.MustCompile(`\$[A-Z][A-Z0-9_]*`)
)

// Plain reports whether a value may stand in a command.
func Plain(value string) bool { return plain.MatchString(value) }

func fill(word string, values Values) string {
	return valueInFormat.ReplaceAllStringFunc(word, func(name string) string {
		name = strings.Trim(name, "{}")
		if value := values[name]; Plain(value) {
			return value
		}
		return "<" + name + ">"
	})
}

// unset reports whether a word has a value that is not set.
func unset(word string, values Values) bool {
	for _, m := range valueInFormat.FindAllStringSubmatch(word, -1) {
		if values[m[1]] == "" {
			return true
		}
	}
	return false
}

func quote(word string) string {
	var b strings.Builder
	for at := variables.FindStringIndex(word); at != nil; at = variables.FindStringIndex(word) {
		b.WriteString(quoteLiteral(word[:at[0]]) + `"` + word[at[0]:at[1]] + `"`)
		if word = word[at[1]:]; word == "" {
			return b.String()
		}
	}
	if b.Len() > 0 {
		return b.String() + quoteLiteral(word)
	}
	return quoteWord(word)
}

// quoteLiteral is quoteWord for a part of a word, which may be empty.
func quoteLiteral(part string) string {
	if part == "" {
		return ""
	}
	return quoteWord(part)
}

func quoteWord(word string) string {
	if bare.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
