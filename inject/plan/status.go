package plan

import (
	"encoding/json"

	"akv-injector/inject/provider"
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

func (s Status) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("strings are always JSON: " + err.Error())
	}
	return string(b)
}
