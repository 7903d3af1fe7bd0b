package inject

import "akv-injector/inject/plan"

// Status is the value of the status annotation: what was injected into a pod.
type Status = plan.Status

// ParseStatus reads the status annotation, which anyone may have written: see [Status].
func ParseStatus(value string) (Status, error) { return plan.ParseStatus(value) }
