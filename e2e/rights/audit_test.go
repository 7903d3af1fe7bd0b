package rights_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akv-injector/e2e/injector"
)

// auditPolicy has the API server write a line for each answer.
func auditPolicy(t *testing.T) (argument string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "audit.yaml")
	policy := "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	return "--audit-policy-file=" + file
}

// calls are those of our account that need one right.
type calls struct {
	allowed, refused int
	// last is whether the last one was allowed.
	last bool
}

// audit reads the API server's audit log as it grows.
type audit struct {
	file   string
	offset int64
	seen   map[string]*calls
}

// of are the calls that need a right, up to now.
func (a *audit) of(t *testing.T, right string) calls {
	t.Helper()
	a.read(t)
	if c := a.seen[right]; c != nil {
		return *c
	}
	return calls{}
}

func (a *audit) read(t *testing.T) {
	t.Helper()
	file, err := os.Open(a.file)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(a.offset, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1] // the next may be half written
	a.offset += int64(len(text))
	for line := range bytes.Lines(text) {
		a.note(line)
	}
}

func (a *audit) note(line []byte) {
	var e struct {
		Stage, Verb    string
		User           struct{ Username string }
		ResponseStatus struct{ Code int }
		ObjectRef      *struct{ Resource, Subresource, APIGroup string }
	}
	if json.Unmarshal(line, &e) != nil || e.ObjectRef == nil || e.User.Username != "system:serviceaccount:"+injector.Namespace+":"+injector.ServiceAccount {
		return
	}
	if e.Verb == "watch" && e.Stage == "ResponseComplete" && e.ResponseStatus.Code == http.StatusOK {
		return // it was counted when it began
	}
	right := rightOf(e.Verb, e.ObjectRef.APIGroup, e.ObjectRef.Resource, e.ObjectRef.Subresource)
	c := a.seen[right]
	if c == nil {
		c = &calls{}
		a.seen[right] = c
	}
	c.last = e.ResponseStatus.Code != http.StatusForbidden
	if c.last {
		c.allowed++
	} else {
		c.refused++
	}
}

// rightOf writes a right as "list secretproviderclasses.secrets-store.csi.x-k8s.io".
func rightOf(verb, group, resource, subresource string) string {
	right := strings.TrimSuffix(verb+" "+resource+"."+group, ".")
	if subresource != "" {
		right += "/" + subresource
	}
	return right
}
