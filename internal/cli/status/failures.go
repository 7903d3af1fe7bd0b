package status

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// failureReasons are those of the events that report a failed mount: the kubelet's
// (1.37.2), and those of the loop that drivers before 1.6 rotate with. Driver 1.6 has none
// when a later mount fails.
var failureReasons = []string{"FailedMount", "MountRotationFailed"}

// failure is the last time that a mount failed.
type failure struct {
	at      time.Time
	message string
	reason  string
}

func failuresByPod(events []corev1.Event) map[string][]failure {
	failures := map[string][]failure{}
	for i := range events {
		e := &events[i]
		if e.InvolvedObject.Kind == "Pod" && slices.Contains(failureReasons, e.Reason) {
			uid := string(e.InvolvedObject.UID)
			failures[uid] = append(failures[uid], failure{at: lastSeen(e), message: e.Message, reason: e.Reason})
		}
	}
	return failures
}

// lastSeen is when an event was last seen; old and new recorders write it to other fields.
func lastSeen(e *corev1.Event) time.Time {
	last := e.LastTimestamp.Time
	for _, t := range []time.Time{e.EventTime.Time, e.FirstTimestamp.Time, e.CreationTimestamp.Time} {
		if last.IsZero() {
			last = t
		}
	}
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	return last
}

// lastFailure finds the last failure of a volume. The kubelet names the volume; the
// driver's loop names none, so that its events are of every volume of the pod.
func lastFailure(failures []failure, volume string, only bool) *failure {
	var last *failure
	for i := range failures {
		f := &failures[i]
		if f.reason == "FailedMount" && !strings.Contains(f.message, `"`+volume+`"`) {
			if !only || strings.Contains(f.message, `for volume "`) {
				continue
			}
		}
		if last == nil || f.at.After(last.at) {
			last = f
		}
	}
	return last
}

// maxMessage is as much of an event as is shown: Azure's own words stand at its end.
const maxMessage = 300

// summary is the message in one line, without what the kubelet puts before it.
func (f *failure) summary() string {
	text := strings.Join(strings.Fields(f.message), " ")
	if _, rest, ok := strings.Cut(text, ": rpc error: "); ok {
		text = rest
	}
	if _, rest, ok := strings.Cut(text, " desc = "); ok {
		text = rest
	}
	if r := []rune(text); len(r) > maxMessage {
		text = string(r[:maxMessage/2]) + " … " + string(r[len(r)-maxMessage/2:])
	}
	return text
}
