package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"akv-injector/keyvault"
)

// Hint says that an object may have a new version.
type Hint struct {
	keyvault.Ref
	// Version is the new one's id, empty if the event has none.
	Version string
}

// Limits of what is read: an event of Key Vault has less than a kilobyte, Event Grid sends at most
// a megabyte, and a queue's message has at most 64 KiB.
const (
	maxBody   = 1 << 20
	maxEvents = 5000
)

// event is the part of an event that matters, in Event Grid's own schema and in that of
// CloudEvents. The documents write the names of the data with and without capitals, which
// encoding/json takes for the same.
type event struct {
	EventType string          `json:"eventType"`
	Type      string          `json:"type"`
	Data      json.RawMessage `json:"data"`
}

type eventData struct {
	VaultName  string `json:"vaultName"`
	ObjectType string `json:"objectType"`
	ObjectName string `json:"objectName"`
	Version    string `json:"version"`
}

const typePrefix = "Microsoft.KeyVault."

// newVersion are the types of events by which there is a new version, and of what: a certificate's
// is one of its secret and its key too. Of what is near its expiry, or beyond it, nothing new can
// be read.
var newVersion = map[string][]keyvault.Type{
	typePrefix + "SecretNewVersionCreated":      {keyvault.Secret},
	typePrefix + "KeyNewVersionCreated":         {keyvault.Key},
	typePrefix + "CertificateNewVersionCreated": {keyvault.Certificate, keyvault.Secret, keyvault.Key},
}

// errUnreadable is of what is no event.
var errUnreadable = errors.New("not an event of Event Grid")

// Parse reads an event or an array of events. It returns the hints of those that are of use, and
// an error if one cannot be read, without a word of its text.
func Parse(body []byte) ([]Hint, error) {
	if len(body) > maxBody {
		return nil, fmt.Errorf("%w: more than %d bytes", errUnreadable, maxBody)
	}
	var all []event
	if trimmed := strings.TrimLeft(string(body[:min(len(body), 64)]), " \t\r\n"); strings.HasPrefix(trimmed, "[") {
		if err := json.Unmarshal(body, &all); err != nil {
			return nil, fmt.Errorf("%w: it is not JSON of that shape", errUnreadable)
		}
	} else {
		all = make([]event, 1)
		if err := json.Unmarshal(body, &all[0]); err != nil {
			return nil, fmt.Errorf("%w: it is not JSON of that shape", errUnreadable)
		}
	}
	if len(all) > maxEvents {
		return nil, fmt.Errorf("%w: more than %d events", errUnreadable, maxEvents)
	}
	var hints []Hint
	var errs error
	for i := range all {
		found, err := all[i].hints()
		if err != nil {
			errs = err // one word for all
		}
		hints = append(hints, found...)
	}
	return hints, errs
}

// hints are what an event says.
func (e *event) hints() ([]Hint, error) {
	name := e.Type
	if name == "" {
		name = e.EventType
	}
	if name == "" {
		return nil, fmt.Errorf("%w: it has no type", errUnreadable)
	}
	of, ok := newVersion[name]
	if !ok {
		return nil, nil
	}
	var d eventData
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return nil, fmt.Errorf("%w: its data is not Key Vault's", errUnreadable)
	}
	// Microsoft's example has a space before the version.
	version := strings.ToLower(strings.TrimSpace(d.Version))
	if version != "" && !versionOK(version) {
		return nil, fmt.Errorf("%w: its version is none", errUnreadable)
	}
	hints := make([]Hint, 0, len(of))
	for _, t := range of {
		h := Hint{Ref: keyvault.Ref{Vault: d.VaultName, Type: t, Name: d.ObjectName}, Version: version}
		if h.Check() != nil {
			return nil, fmt.Errorf("%w: it names no vault or object that can be", errUnreadable)
		}
		hints = append(hints, h)
	}
	return hints, nil
}

// versionOK reports whether a text is a version's id: 32 hexadecimal digits.
func versionOK(s string) bool {
	if len(s) != 32 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		default:
			return false
		}
	}
	return true
}
