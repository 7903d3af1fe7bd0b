package budget

import (
	"time"

	"akv-injector/inject/provider"
)

const (
	limit = provider.CallsLimit
	month = 30 * 24 * time.Hour
)
