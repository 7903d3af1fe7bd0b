package certificates

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Keys of the Secret.
const (
	keyLeafCert, keyLeafKey     = "tls.crt", "tls.key"
	keySignerCert, keySignerKey = "ca.crt", "ca.key"
	keyNextCert, keyNextKey     = "next-ca.crt", "next-ca.key"
	keyOld, keyOldSince         = "old-ca.crt", "old-ca.since"
)

// state is what the Secret has.
type state struct {
	// leaf is served. signer signs, next will sign, and old signed before; the webhook configurations have the three of them.
	leaf, signer, next *pair
	// old is PEM, without keys.
	old []byte
	// oldSince is when the last of old was replaced.
	oldSince time.Time
}

// readState reads a Secret. What cannot be used is left out, and said: the keeper makes it anew.
func readState(data map[string][]byte) (s state, problems []string) {
	read := func(what, certKey, keyKey string) *pair {
		if len(data[certKey]) == 0 && len(data[keyKey]) == 0 {
			return nil
		}
		p, err := parsePair(data[certKey], data[keyKey])
		if err != nil {
			problems = append(problems, what+": "+err.Error())
			return nil
		}
		return p
	}
	s.leaf = read("the serving certificate", keyLeafCert, keyLeafKey)
	s.signer = read("the CA", keySignerCert, keySignerKey)
	s.next = read("the next CA", keyNextCert, keyNextKey)
	if _, err := parseCerts(data[keyOld]); err != nil {
		problems = append(problems, "the CAs before: "+err.Error())
	} else {
		s.old = data[keyOld]
	}
	if text := string(data[keyOldSince]); text != "" {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			problems = append(problems, "the time since when they are: it cannot be read")
		}
		s.oldSince = since
	}
	return s, problems
}

// data is what the Secret gets.
func (s *state) data() map[string][]byte {
	d := map[string][]byte{}
	add := func(p *pair, certKey, keyKey string) {
		if p != nil {
			d[certKey], d[keyKey] = p.certPEM, p.keyPEM
		}
	}
	add(s.leaf, keyLeafCert, keyLeafKey)
	add(s.signer, keySignerCert, keySignerKey)
	add(s.next, keyNextCert, keyNextKey)
	if len(s.old) > 0 {
		d[keyOld], d[keyOldSince] = s.old, []byte(s.oldSince.UTC().Format(time.RFC3339))
	}
	return d
}

// bundle is what the webhook configurations have to have.
func (s *state) bundle() []byte {
	all := slices.Clone(s.old)
	for _, p := range []*pair{s.signer, s.next} {
		if p != nil {
			all = append(all, p.certPEM...)
		}
	}
	return all
}

// Times of certificates.
type Times struct {
	// Leaf and CA are how long certificates are valid.
	Leaf, CA time.Duration
	// Pause is how long every API server is given to hear of a new CA before it signs.
	Pause time.Duration
	// Keep is how long a CA stays in the webhook configurations when another one signs.
	Keep time.Duration
}

// mostOld bounds the CAs that are kept, however often one is asked for.
const mostOld = 4

// Request asks for certificates before it is time.
type Request int

const (
	// RequestNone asks for nothing.
	RequestNone Request = iota
	// RequestLeaf asks for a serving certificate, and RequestCA for a CA too.
	RequestLeaf
	RequestCA
)

// step is the next state, and what was done, in words; "" if there is nothing to do. whole is since when every webhook configuration has the
// bundle; zero if not. Where something waits for that, it is looked at again after wait.
func (was *state) step(now time.Time, whole time.Time, t Times, names []string, request Request) (next state, did string, wait time.Duration, err error) {
	s := *was
	if s.signer == nil || s.signer.caProblem(now) != "" {
		return s.anew(now, t)
	}
	if s.next != nil && s.next.caProblem(now) != "" {
		s.next = nil
		return s, "dropped a CA that cannot be used", 0, nil
	}
	if len(s.old) > 0 && now.Sub(s.oldSince) > t.Keep {
		s.old, s.oldSince = nil, time.Time{}
		return s, "dropped the CAs before", 0, nil
	}
	if whole.IsZero() {
		return s, "", t.Pause, nil
	}
	if left := t.Pause - now.Sub(whole); left > 0 {
		return s, "", left, nil
	}
	switch {
	case s.next != nil:
		return s.promote(now, t, names)
	case s.leaf == nil || request == RequestLeaf || s.leaf.leafProblem(now, s.signer, names) != "":
		s.leaf, err = s.signer.newLeaf(now, t.Leaf, names)
		return s, "made a serving certificate", 0, err
	case request == RequestCA || s.caEndsSoon(now, t):
		s.next, err = newCA(now, t.CA)
		return s, "made the next CA", 0, err
	}
	return s, "", 0, nil
}

// caEndsSoon reports whether certificates of the CA would soon end before their time.
func (s *state) caEndsSoon(now time.Time, t Times) bool {
	const lives = 2 // of a serving certificate
	return s.signer.cert.NotAfter.Sub(now) < min(lives*t.Leaf, t.CA/lives)
}

// anew begins with a new CA: there is none that can sign.
func (was *state) anew(now time.Time, t Times) (next state, did string, wait time.Duration, err error) {
	s := *was
	if s.next != nil && s.next.caProblem(now) == "" {
		s.signer, s.next = s.next, nil
		return s, "took the next CA, since the one that signed cannot be used", 0, nil
	}
	s.next = nil
	s.signer, err = newCA(now, t.CA)
	return s, "made a CA", 0, err
}

// promote has the next CA sign, and keeps the one that signed for a while.
func (was *state) promote(now time.Time, t Times, names []string) (next state, did string, wait time.Duration, err error) {
	s := *was
	s.old = lastCerts(slices.Concat(s.old, s.signer.certPEM), mostOld)
	s.oldSince = now
	s.signer, s.next = s.next, nil
	s.leaf, err = s.signer.newLeaf(now, t.Leaf, names)
	return s, "made a serving certificate of the next CA", 0, err
}

// lastCerts are the last n certificates of a text.
func lastCerts(text []byte, n int) []byte {
	const end = "-----END CERTIFICATE-----\n"
	parts := bytes.SplitAfter(text, []byte(end))
	parts = slices.DeleteFunc(parts, func(p []byte) bool { return len(bytes.TrimSpace(p)) == 0 })
	return bytes.Join(parts[max(0, len(parts)-n):], nil)
}

func (t Times) check() error {
	switch {
	case t.Leaf < time.Minute || t.CA < 2*t.Leaf:
		return fmt.Errorf("certificates of %s need a CA of at least twice that, and at least a minute: it is %s", t.Leaf, t.CA)
	case t.Pause < 0 || t.Keep < t.Pause:
		return fmt.Errorf("a CA cannot be kept for less (%s) than the next one waits (%s)", t.Keep, t.Pause)
	}
	return nil
}
