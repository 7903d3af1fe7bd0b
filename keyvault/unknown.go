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
	// Firewall is set if the vault's network rules refused the call, and not its roles: from another network it may be let in.
	Firewall bool
	// detail of an invalid question.
	detail string
}

// words of the reasons, behind a vault's name.
var words = map[Reason]string{
	Invalid:      "cannot be queried",
	NoIdentity:   "was not queried: there is no token",
	Unauthorized: "did not accept the identity's token (401)",
	Forbidden:    "does not let the identity read metadata (403)",
	Throttled:    "has had too many calls (429)",
	Failing:      "answered with an error of its own (5xx)",
	Unreachable:  "could not be reached",
	NoHost:       "has no address: its name does not resolve",
	Untrusted:    "has a certificate that is not its own",
	Slow:         "did not answer in time",
	Open:         "is left alone for a moment",
	Limited:      "was not queried: too many calls are under way already",
	Unexpected:   "gave an answer that Key Vault does not give",
}

// Error is a sentence without its full stop.
func (e *UnknownError) Error() string {
	if e.Reason == Invalid {
		return fmt.Sprintf("vault %q %s", e.Vault, e.Why())
	}
	return fmt.Sprintf("vault %s %s", e.Vault, e.Why())
}

// Why is the error behind the vault's name: "did not answer in time".
func (e *UnknownError) Why() string {
	switch {
	case e.Reason == Invalid && e.detail != "":
		return words[Invalid] + ": " + e.detail
	case e.Reason == Open && e.Because != "":
		return words[Open] + ", since it " + words[e.Because]
	}
	return words[e.Reason]
}

// fixes say how to fix what a reason says.
var fixes = map[Reason]string{
	Invalid:      "Write names that Key Vault takes.",
	NoIdentity:   "Give akv-injector an identity with a federated credential, and let it reach Entra ID.",
	Unauthorized: "Use an identity of the vault's own tenant and cloud.",
	Forbidden:    "Give the identity Key Vault Reader on the vault, and let it through its firewall.",
	Throttled:    "Wait; if it lasts, look for who calls the vault so often.",
	Failing:      "Wait; if it lasts, look at the vault's health in Azure.",
	Unreachable:  "Let the program reach the vault's host on port 443.",
	NoHost:       "Correct the vault's name, or make it resolve where the program runs.",
	Untrusted:    "Look for a proxy that answers in the vault's place.",
	Slow:         "Wait; if it lasts, look at the way to the vault.",
	Open:         "Wait; it is queried again automatically.",
	Limited:      "Wait a moment.",
	Unexpected:   "Look for a proxy that answers in the vault's place.",
}

// Fix says in a sentence how to fix it.
func (e *UnknownError) Fix() string { return fixes[e.Reason] }

// ReasonOf is the reason of an UnknownError, Unexpected of any other error.
func ReasonOf(err error) Reason {
	if unknown, ok := errors.AsType[*UnknownError](err); ok {
		return unknown.Reason
	}
	return Unexpected
}
