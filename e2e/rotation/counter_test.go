package rotation_test

import (
	"context"
	"fmt"
	"strings"

	"akv-injector/e2e/system"
)

// errorCount is one of the driver's counters of errors, for one kind of them. It counts
// for all pods of the node together.
func errorCount(ctx context.Context, s *system.System, counter, errorType string) (float64, error) {
	metrics, err := s.Driver.DriverMetrics(ctx)
	if err != nil {
		return 0, err
	}
	var sum float64
	for line := range strings.Lines(metrics) {
		if !strings.HasPrefix(line, fmt.Sprintf("%s{error_type=%q", counter, errorType)) {
			continue
		}
		fields := strings.Fields(line)
		var count float64
		if _, err := fmt.Sscan(fields[len(fields)-1], &count); err != nil {
			return 0, fmt.Errorf("the driver's metric %s: %w", strings.TrimSpace(line), err)
		}
		sum += count
	}
	return sum, nil
}
