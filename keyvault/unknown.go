package keyvault

import (
	"errors"
	"fmt"
)

// Reason says in a word why nothing is known of an object. It is a metric's label, so
// there are only these.
type Reason string

// Why nothing is known.
const (
	// Invalid: the question itself, no vault was asked.
	Invalid Reason = "invalid"
	// NoIdentity: the program has no identity to ask with, or Entra ID gives it no token.
	NoIdentity Reason = "no-identity"
	// Unauthorized: the vault takes the token for no one's (401).
	Unauthorized Reason = "unauthorized"
	// Forbidden: the identity has no right to the metadata, or the vault's firewall is
	// closed (403).
	Forbidden Reason = "forbidden"
	// Throttled: the vault has had too many calls (429).
	Throttled Reason = "throttled"
	// Failing: the vault answers with an error of its own (5xx).
	Failing Reason = "failing"
	// Unreachable: no connection, or one that broke.
	Unreachable Reason = "unreachable"
	// NoHost: the vault's host name does not resolve. There may be no such vault.
	NoHost Reason = "no-host"
	// Untrusted: the server at the vault's host has no certificate for it.
	Untrusted Reason = "untrusted"
	// Slow: no answer in the time that there was.
	Slow Reason = "slow"
	// Open: the vault failed a moment ago and is left alone.
	Open Reason = "circuit-open"
	// Limited: we ask enough already.
	Limited Reason = "rate-limited"
	// Unexpected: an answer that Key Vault does not give.
	Unexpected Reason = "unexpected"
)

// UnknownError says why nothing is known. Its text has the vault's name and words of
// ours, never what a server sent.
type UnknownError struct {
	Vault  string
	Reason Reason
	// Because is the reason why the vault is left alone, if Reason is Open.
	Because Reason
	// detail of an invalid question.
	detail string
}

// words of the reasons, behind a vault's name.
var words = map[Reason]string{
	Invalid:      "cannot be asked",
	NoIdentity:   "was not asked: there is no identity to ask with, or Entra ID gave it no token",
	Unauthorized: "did not accept the identity's token (401)",
	Forbidden:    "does not let the identity read metadata (403): it has no role such as Key Vault Reader there, or the vault's firewall is closed",
	Throttled:    "has had too many calls (429)",
	Failing:      "answered with an error of its own (5xx)",
	Unreachable:  "could not be reached",
	NoHost:       "has no address: there is no such vault, or its name does not resolve here",
	Untrusted:    "could not be trusted: the certificate at its address is not its own",
	Slow:         "did not answer in time",
	Open:         "is left alone for a moment",
	Limited:      "was not asked: too many calls are under way already",
	Unexpected:   "gave an answer that Key Vault does not give",
}

// Error is a sentence without its full stop.
func (e *UnknownError) Error() string {
	text := fmt.Sprintf("vault %s %s", e.Vault, words[e.Reason])
	switch {
	case e.Reason == Invalid:
		text = fmt.Sprintf("vault %q %s: %s", e.Vault, words[Invalid], e.detail)
	case e.Reason == Open:
		text = fmt.Sprintf("%s: it %s", text, words[e.Because])
	}
	return text
}

// ReasonOf is the reason of an UnknownError, Unexpected of any other error.
func ReasonOf(err error) Reason {
	if unknown, ok := errors.AsType[*UnknownError](err); ok {
		return unknown.Reason
	}
	return Unexpected
}
