package rotation_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"akv-injector/e2e/system"
)

// trouble is an event about a volume of ours: the kubelet's, whose text names the volume,
// or the older driver's.
var trouble = regexp.MustCompile(`^pod/\S+ (?:FailedMount \((\d+)\): .*akv-|MountRotationFailed )`)

// lateToken is what an API server answers that has not heard yet where a pod is, when the
// kubelet asks it for a token of the pod's service account. The kubelet asks again, before
// it calls the driver at all.
const lateToken = "node requested token bound to a pod scheduled on a different node"

// troubles are the events of a namespace that tell of volumes of ours. Others are none of
// ours, such as the one about kube-api-access when the kubelet's cache of ConfigMaps is
// late, or the API server's of pods: they are logged.
func troubles(t *testing.T, s *system.System, namespace string) []string {
	t.Helper()
	var found []string
	for _, event := range s.Events(namespace) {
		switch {
		case trouble.MatchString(event) && !strings.Contains(event, lateToken):
			found = append(found, event)
		case strings.Contains(event, "Failed"):
			t.Logf("not about the mount of secrets: %s", event)
		}
	}
	return found
}

// checkUntold wants no event to tell of what has happened to the volumes.
func checkUntold(t *testing.T, s *system.System, namespace string) {
	t.Helper()
	for _, event := range troubles(t, s, namespace) {
		t.Errorf("an event tells of it, which is new: %s", event)
	}
}

// awaitFailures waits until the kubelet has failed to mount at least as often as given,
// with the words. One event counts for all of its kind.
func awaitFailures(t *testing.T, tenant *system.Tenant, count int, words string) {
	t.Helper()
	what := fmt.Sprintf("%d times FailedMount with %q", count, words)
	check(t, tenant.Await(t.Context(), tenant.Namespace, what, func(context.Context) (bool, string) {
		seen := 0
		for _, event := range tenant.Events(tenant.Namespace) {
			match := trouble.FindStringSubmatch(event)
			if match == nil || match[1] == "" || !strings.Contains(event, words) {
				continue
			}
			if n, err := strconv.Atoi(match[1]); err == nil {
				seen += n
			}
		}
		return seen >= count, fmt.Sprintf("%d times", seen)
	}))
}
