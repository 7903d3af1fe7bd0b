package plan

import (
	"encoding/json"

	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// Status is the value of annotation.Status: what was injected into a pod. Users can read it, a
// later round of the same admission learns from it which containers the pod had at first, and
// classes of running pods are restored from it. It is not trusted: a class counts only if its
// content hashes to its name.
type Status struct {
	// Version of the program that injected the pod.
	Version string `json:"version"`
	// Containers that got the mounts.
	Containers []string `json:"containers"`
	// Classes that were generated for the pod.
	Classes []provider.Class `json:"classes,omitempty"`
}

// ParseStatus reads the annotation.
func ParseStatus(value string) (Status, error) {
	var s Status
	err := json.Unmarshal([]byte(value), &s)
	return s, err
}

// String is the status in JSON.
func (s Status) String() string {
	const usual = 512
	b := text.AppendJSON(append(make([]byte, 0, usual), `{"version":`...), s.Version)
	b = text.AppendJSONList(append(b, `,"containers":`...), s.Containers)
	if len(s.Classes) > 0 {
		b = append(b, `,"classes":[`...)
		for i := range s.Classes {
			if i > 0 {
				b = append(b, ',')
			}
			b = text.AppendJSON(append(b, `{"name":`...), s.Classes[i].Name)
			b = text.AppendJSONMap(append(b, `,"parameters":`...), s.Classes[i].Parameters)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	return string(append(b, '}'))
}
