package provider

import (
	"strconv"
	"strings"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// Kinds of Key Vault objects, as the provider spells them.
const (
	TypeSecret = "secret"
	TypeKey    = "key"
	TypeCert   = "cert"
)

var objectTypes = []string{TypeSecret, TypeKey, TypeCert}

// LatestVersion stands for the newest version if a history is kept. Otherwise the provider
// sends the word to the vault as if it were a version.
const LatestVersion = "latest"

// Object is one Key Vault object and the file it becomes: the provider's own
// fields, with its defaults filled in or left out, so that equal objects are equal values.
type Object struct {
	// Name in the vault.
	Name string
	// Type is secret, key or cert.
	Type string
	// Alias is the file's path in the mount, if it is not Name.
	Alias string
	// Version pins the object; empty follows the newest.
	Version string
	// VersionHistory is how many older versions are kept beside the newest, as files
	// numbered from 0. 0 and 1 mean the newest alone, under the plain name.
	VersionHistory int32
	// Format is empty for pem, or pfx.
	Format string
	// Encoding is empty for utf-8, or hex or base64.
	Encoding string
	// FilePermission is octal text, or empty for the driver's 0644.
	FilePermission string
}

// File is the object's path in the mount. With a history it is a folder.
func (o Object) File() string {
	if o.Alias != "" {
		return o.Alias
	}
	return o.Name
}

// Files are the paths that the object may be written to. The provider 1.8.2 writes one
// version more than the history says: getLatestNKeyVaultObjects counts after it appends.
func (o Object) Files() []string {
	if o.VersionHistory <= 1 {
		return []string{o.File()}
	}
	files := make([]string, 0, o.versionFiles())
	for i := range o.versionFiles() {
		files = append(files, o.File()+"/"+strconv.Itoa(i))
	}
	return files
}

func (o Object) versionFiles() int {
	const enough = 64 // more numbers than an env annotation names
	return min(int(o.VersionHistory), enough) + 1
}

// HasVersionFile reports whether an object with a history has a file of this name in its
// folder.
func (o Object) HasVersionFile(name string) bool {
	if o.VersionHistory <= 1 {
		return false
	}
	n, err := strconv.Atoi(name)
	return err == nil && n >= 0 && n < o.versionFiles() && strconv.Itoa(n) == name
}

// Pinned reports whether the object never rotates.
func (o Object) Pinned() bool { return o.Version != "" }

// write appends the object as the provider reads it: YAML text, one field a line.
func (o Object) write(b *strings.Builder, indent string) {
	line := func(key, value string) {
		if value != "" {
			for _, part := range [...]string{indent, key, ": ", value, "\n"} {
				b.WriteString(part)
			}
		}
	}
	line("objectName", yamlScalar(o.Name))
	line("objectType", o.Type)
	line("objectAlias", yamlScalar(o.Alias))
	line("objectVersion", yamlScalar(o.Version))
	if o.VersionHistory > 1 {
		line("objectVersionHistory", strconv.Itoa(int(o.VersionHistory)))
	}
	line("objectFormat", o.Format)
	line("objectEncoding", o.Encoding)
	if o.FilePermission != "" {
		line("filePermission", strconv.Quote(o.FilePermission))
	}
}

// yamlScalar writes a string so that any YAML reader reads the same string: plain if that is
// unambiguous, quoted otherwise.
func yamlScalar(s string) string {
	if s == "" {
		return ""
	}
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(s)
	}
	if s[0] > '9' && text.IsAlphanumeric(s[0]) {
		plain := true
		for i := range len(s) {
			if c := s[i]; !text.IsAlphanumeric(c) && c != '-' && c != '.' && c != '_' && c != '/' {
				plain = false
				break
			}
		}
		if plain {
			return s
		}
	}
	return strconv.Quote(s)
}

// objectNameProblem is what is wrong with the name of a Key Vault object, if anything.
func objectNameProblem(name string) finding.Problem {
	switch {
	case name == "":
		return finding.Problem{What: "names no object", Fix: "write the name that it has in the vault"}
	case len(name) > 127:
		return finding.Problem{What: "has a name of more than 127 characters", Fix: "write the name that it has in the vault"}
	case objectAddressProblem(name, false).Found():
		return objectAddressProblem(name, false)
	case strings.ContainsAny(name, ";,"):
		return finding.Problem{What: "more than one name", Fix: "list each object by itself, in an element of its own"}
	case !text.IsName(name):
		if bad := text.BadCharacter(name); bad != "" {
			return finding.Problem{What: "has " + bad + " in its name", Fix: "write the name that it has in the vault"}
		}
		return finding.Problem{What: "has a name that Key Vault does not accept", Fix: "write only letters, digits and hyphens"}
	}
	return finding.Problem{}
}

// FileProblem is what is wrong with the path of a file in the mount, if anything: by the
// provider's own checks, and by those of the file system and the driver.
func FileProblem(file string) finding.Problem {
	if bad := text.BadCharacter(file); bad != "" {
		return finding.Problem{What: "contains " + bad, Fix: "remove it"}
	}
	switch {
	case strings.HasPrefix(file, "/"):
		return finding.Problem{What: "is absolute", Fix: "write it relative to the mount path"}
	case strings.Contains(file, ".."):
		return finding.Problem{What: "contains '..', which the provider refuses", Fix: "write a path below the mount path"}
	case strings.Contains(file, `\`):
		return finding.Problem{What: "contains a backslash", Fix: "write / between folders, on Windows too"}
	case len(file) > 1024:
		return finding.Problem{What: "is longer than 1,024 characters", Fix: "shorten it"}
	}
	for part := range strings.SplitSeq(file, "/") {
		switch {
		case part == "" || part == ".":
			return finding.Problem{What: "has an empty part", Fix: "write single slashes between names"}
		case len(part) > 255:
			return finding.Problem{What: "has a part of more than 255 characters", Fix: "shorten it"}
		case strings.TrimSpace(part) != part:
			return finding.Problem{What: "has a part that begins or ends with a space", Fix: "remove the space"}
		}
	}
	return finding.Problem{}
}

// permissionProblem is what is wrong with a file mode, if anything. The provider silently
// replaces a mode that it cannot read with 0.
func permissionProblem(mode string) finding.Problem {
	n, err := strconv.ParseUint(mode, 8, 32)
	switch {
	case err != nil:
		return finding.Problem{What: "is not octal, and the provider would silently make the file unreadable (mode 0)", Fix: "write four octal digits, such as 0440"}
	case n > 0o777:
		return finding.Problem{What: "has bits beyond 0777", Fix: "write four octal digits, such as 0440"}
	}
	return finding.Problem{}
}

// typeProblem is what is wrong with an object's type, if anything.
func typeProblem(t string) finding.Problem {
	switch t {
	case TypeSecret, TypeKey, TypeCert:
		return finding.Problem{}
	}
	if strings.HasPrefix(strings.ToLower(t), TypeCert) {
		return finding.Problem{What: "is not secret, key or cert", Fix: "did you mean \"cert\"?"}
	}
	return finding.Problem{What: "is not secret, key or cert", Fix: text.DidYouMean(t, objectTypes)}
}
