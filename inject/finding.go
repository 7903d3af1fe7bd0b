package inject

import "akv-injector/inject/finding"

type (
	Finding  = finding.Finding
	Severity = finding.Severity
)

const (
	Error   = finding.Error
	Warning = finding.Warning
)
