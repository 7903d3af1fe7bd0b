package certificates

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"
)

var times = Times{Leaf: 30 * 24 * time.Hour, CA: 365 * 24 * time.Hour, Pause: 10 * time.Second, Keep: time.Hour}

var names = []string{"akv-injector.ns.svc", "127.0.0.1"}

// world is an API server that hears of bundles some seconds late, and replicas that serve what the Secret has, up to some seconds late.
type world struct {
	t       *testing.T
	now     time.Time
	state   state
	bundles []bundleAt // what was written, and when
	leaves  []leafAt
}

type bundleAt struct {
	at   time.Time
	text []byte
}

type leafAt struct {
	at   time.Time
	leaf *pair
}

// late is how late an API server or a replica may be: less than the pause.
const late = 9 * time.Second

// check verifies every certificate that a replica may serve now by every bundle that an API server may have now.
func (w *world) check() {
	w.t.Helper()
	current := func(at func(i int) time.Time, n int) (from int) {
		for from = n - 1; from > 0 && w.now.Sub(at(from)) < late; from-- {
			continue
		}
		return max(from, 0)
	}
	for _, b := range w.bundles[current(func(i int) time.Time { return w.bundles[i].at }, len(w.bundles)):] {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(b.text)
		if len(w.leaves) == 0 {
			return
		}
		for _, l := range w.leaves[current(func(i int) time.Time { return w.leaves[i].at }, len(w.leaves)):] {
			for _, name := range names {
				if _, err := l.leaf.cert.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: w.now}); err != nil {
					w.t.Fatalf("at %s an API server does not trust a replica: %v", w.now, err)
				}
			}
		}
	}
}

// step does what the keeper does in a moment.
func (w *world) step(whole time.Time, request Request) (did string) {
	w.t.Helper()
	next, did, _, err := w.state.step(w.now, whole, times, names, request)
	if err != nil {
		w.t.Fatal(err)
	}
	// What is stored is what is read.
	read, problems := readState(next.data())
	if len(problems) > 0 || !bytes.Equal(read.bundle(), next.bundle()) {
		w.t.Fatalf("it cannot be read again: %q", problems)
	}
	if read.leaf != nil && (w.state.leaf == nil || !bytes.Equal(w.state.leaf.certPEM, read.leaf.certPEM)) {
		w.leaves = append(w.leaves, leafAt{w.now, read.leaf})
	}
	w.state = read
	return did
}

// Years in steps: at each moment each API server trusts each replica, although they hear of changes late and in any order, and CAs are asked
// for again and again.
func TestYears(t *testing.T) {
	w := &world{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	var whole time.Time
	done := map[string]int{}
	most := 0
	for i := range 8000 {
		request := RequestNone
		switch i % 477 {
		case 100:
			request = RequestCA
		case 300:
			request = RequestLeaf
		}
		did := w.step(whole, request)
		done[did]++
		if n := len(w.bundles); n == 0 || !bytes.Equal(w.bundles[n-1].text, w.state.bundle()) {
			w.bundles = append(w.bundles, bundleAt{w.now, w.state.bundle()})
			whole = w.now
		}
		certs, err := parseCerts(w.state.bundle())
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(certs))
		w.check()
		switch {
		case did != "":
			w.now = w.now.Add(time.Second)
		case i%3 == 0:
			w.now = w.now.Add(times.Pause)
		default:
			w.now = w.now.Add(7 * time.Hour)
		}
	}
	for _, did := range []string{"made a CA", "made a serving certificate", "made the next CA", "made a serving certificate of the next CA", "dropped the CAs before"} {
		if done[did] == 0 {
			t.Errorf("it never %s: %v", did, done)
		}
	}
	if most > mostOld+2 {
		t.Errorf("bundles have up to %d CAs", most)
	}
}

// A new CA signs nothing before every webhook configuration has had it for the pause.
func TestNothingIsSignedBeforeItIsTrusted(t *testing.T) {
	w := &world{t: t, now: time.Now()}
	if did := w.step(time.Time{}, RequestNone); did != "made a CA" || w.state.leaf != nil {
		t.Fatalf("at first it %s", did)
	}
	for _, whole := range []time.Time{{}, w.now, w.now.Add(-times.Pause + time.Second)} {
		if did := w.step(whole, RequestCA); did != "" {
			t.Errorf("with bundles since %v it %s", whole, did)
		}
	}
	if did := w.step(w.now.Add(-times.Pause), RequestNone); did != "made a serving certificate" {
		t.Errorf("after the pause it %s", did)
	}
}

// What cannot be used is made anew, and what else there is stays.
func TestBrokenSecrets(t *testing.T) {
	now := time.Now()
	made := func() state {
		w := &world{t: t, now: now}
		w.step(time.Time{}, RequestNone)
		w.step(now.Add(-times.Pause), RequestNone)
		w.step(now.Add(-times.Pause), RequestCA)
		return w.state
	}
	for name, breaks := range map[string]func(d map[string][]byte){
		"no key":            func(d map[string][]byte) { delete(d, keySignerKey) },
		"another key":       func(d map[string][]byte) { d[keySignerKey] = d[keyLeafKey] },
		"nonsense":          func(d map[string][]byte) { d[keySignerCert] = []byte("nonsense") },
		"two certificates":  func(d map[string][]byte) { d[keySignerCert] = bytes.Repeat(d[keySignerCert], 2) },
		"a key among certs": func(d map[string][]byte) { d[keyOld] = d[keySignerKey] },
		"a leaf as a CA":    func(d map[string][]byte) { d[keySignerCert], d[keySignerKey] = d[keyLeafCert], d[keyLeafKey] },
		"no next key":       func(d map[string][]byte) { delete(d, keyNextKey) },
		"no leaf key":       func(d map[string][]byte) { delete(d, keyLeafKey) },
		"a wrong time":      func(d map[string][]byte) { d[keyOldSince] = []byte("yesterday") },
		"empty":             func(d map[string][]byte) { clear(d) },
	} {
		whole := made()
		data := whole.data()
		breaks(data)
		s, _ := readState(data)
		for range 10 {
			next, did, _, err := s.step(now, now.Add(-times.Pause), times, names, RequestNone)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if s = next; did == "" {
				break
			}
		}
		if s.signer == nil || s.leaf == nil || s.leaf.leafProblem(now, s.signer, names) != "" {
			t.Errorf("%s: it does not mend it: %+v", name, s)
		}
	}
}

func TestTimes(t *testing.T) {
	if err := times.check(); err != nil {
		t.Error(err)
	}
	for _, wrong := range []Times{{}, {Leaf: time.Hour, CA: time.Hour}, {Leaf: time.Hour, CA: 2 * time.Hour, Pause: time.Minute}, {Leaf: time.Second, CA: time.Hour}} {
		if wrong.check() == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}
