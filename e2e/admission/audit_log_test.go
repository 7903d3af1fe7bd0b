package admission_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// auditEvent is what these tests read of an audit.k8s.io/v1 Event.
type auditEvent struct {
	Verb      string `json:"verb"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Annotations map[string]string `json:"annotations"`
}

// audited waits for the audit log to tell of a pod's creation. The API server writes
// it down when it has answered.
func (s *system) audited(t *testing.T, namespace, name string) (found auditEvent) {
	t.Helper()
	soon.Require(t, "the event of pod "+name+" in "+namespace, func(context.Context) (bool, string) {
		events, err := s.auditLog(namespace)
		if err != nil {
			return false, err.Error()
		}
		for _, e := range events {
			if e.Verb == "create" && e.ObjectRef.Resource == "pods" && e.ObjectRef.Subresource == "" && e.ObjectRef.Name == name {
				found = e
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d others", len(events))
	})
	return found
}

// auditLog reads the events of a namespace.
func (s *system) auditLog(namespace string) ([]auditEvent, error) {
	file, err := os.Open(s.AuditLog)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var events []auditEvent
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return events, nil // the last line may be half written
		}
		if !bytes.Contains(line, []byte(`"namespace":"`+namespace+`"`)) {
			continue
		}
		var e auditEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("audit log: %w in %s", err, line)
		}
		events = append(events, e)
	}
}
