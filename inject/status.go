package inject

import "akv-injector/inject/plan"

// Status is the value of the status annotation: what a pod was given.
type Status = plan.Status

// ParseStatus reads the status annotation. It is outside text: see Status.
func ParseStatus(value string) (Status, error) { return plan.ParseStatus(value) }
