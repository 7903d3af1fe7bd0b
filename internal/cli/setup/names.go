package setup

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

var notInNames = regexp.MustCompile(`[^A-Za-z0-9-]+`)

// name makes a name of identities and federated credentials: at most 120 small letters, digits and hyphens. The same parts
// give the same name, other parts another.
func name(parts ...string) string { return shortName(100, parts...) }

// shortName is a name whose readable part has at most some characters.
func shortName(most int, parts ...string) string {
	const digits = 6
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	readable := strings.ToLower(notInNames.ReplaceAllString(strings.Join(parts, "-"), "-"))
	return strings.Trim(readable[:min(len(readable), most)], "-") + "-" + hex.EncodeToString(sum[:])[:digits]
}

// assignments is the name space of the ids that this program gives to role assignments.
var assignments = uuid.MustParse("5d0ad0a5-6f3c-4a0e-9b52-0c3f9b5a7c11")

// assignmentID is the id of a role assignment. It tells those that are made here from those of others, and is the same each time.
func assignmentID(group string, i *Identity, g Grant) string {
	who := i.ClientID
	if who == "" {
		who = group + "/" + i.Name
	}
	return uuid.NewSHA1(assignments, []byte(strings.ToLower(strings.Join([]string{who, g.Role, g.Vault, g.Type, g.Object}, "\x00")))).String()
}

// ordinal stands for the variables of an identity in a format: $CLIENT_n.
var ordinal = regexp.MustCompile(`\$[A-Z]+_n`)
