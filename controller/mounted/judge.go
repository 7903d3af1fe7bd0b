package mounted

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/provider"
)

// Verdict is what is known of the mounts of a pod.
type Verdict int

const (
	// Waiting is for a class without a record.
	Waiting Verdict = iota
	// Mounted is for files that were there before the containers, or that cannot be shown to have
	// come later.
	Mounted
	// Late is for files that came when containers were running already, which then see an empty folder.
	Late
)

// late is how long after a container's start a record is certainly made after it. It allows for the
// seconds that are cut off all these times, and for API servers whose clocks are not quite the same.
const late = 5 * time.Second

// Judge compares when the driver made its record of each class with the start of the containers.
//
// A record comes before the containers, or, if the first mount was interrupted, after them: once the
// driver's interval is over that began with the interrupted mount. How much of it is left when the
// containers start is as long as the kubelet took, so nothing is read from how late a record is. The
// times of containers are the node's, and those of records the API server's. What the kubelet wrote
// last into the pod's status tells how far apart the two clocks are: the API server notes when, and
// the newest time in it is the node's. A pod of which that is not known is not kept back.
func Judge(pod *corev1.Pod, made map[string]time.Time) Verdict {
	ahead, known := nodeAhead(pod)
	verdict := Mounted
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		class, ok := provider.ClassName(v)
		if !ok || class == "" {
			continue
		}
		at, recorded := made[class]
		if !recorded {
			return Waiting
		}
		for _, started := range starts(pod, v.Name) {
			if known && at.Sub(started.Add(-ahead)) > late {
				verdict = Late
			}
		}
	}
	return verdict
}

// starts are the times at which the running containers started that see a volume as it was then.
// One that is to start again will see the files.
func starts(pod *corev1.Pod, volume string) []time.Time {
	sees := map[string]bool{}
	all := [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers}
	for _, containers := range all {
		for i := range containers {
			for _, m := range containers[i].VolumeMounts {
				// With propagation a container sees what is mounted later.
				if m.Name == volume && (m.MountPropagation == nil || *m.MountPropagation == corev1.MountPropagationNone) {
					sees[containers[i].Name] = true
				}
			}
		}
	}
	var times []time.Time
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range statuses {
			if running := statuses[i].State.Running; running != nil && sees[statuses[i].Name] && !running.StartedAt.IsZero() {
				times = append(times, running.StartedAt.Time)
			}
		}
	}
	return times
}

// nodeAhead is by how much the node's clock is ahead of the API server's, or less than that: a
// container is never taken to have started earlier than it did. It is not known of a pod that the kubelet
// has not written.
func nodeAhead(pod *corev1.Pod) (ahead time.Duration, known bool) {
	var written time.Time
	for i := range pod.ManagedFields {
		f := &pod.ManagedFields[i]
		if f.Manager == "kubelet" && f.Subresource == "status" && f.Time != nil && f.Time.After(written) {
			written = f.Time.Time
		}
	}
	newest := newestOf(pod)
	if written.IsZero() || newest.IsZero() {
		return 0, false
	}
	return newest.Sub(written), true
}

// kubelets are the conditions that the kubelet sets.
var kubelets = []corev1.PodConditionType{corev1.PodReady, corev1.ContainersReady, corev1.PodInitialized, corev1.PodReadyToStartContainers}

// newestOf is the newest time of the node's in a pod's status.
func newestOf(pod *corev1.Pod) time.Time {
	var newest time.Time
	note := func(t time.Time) {
		if t.After(newest) {
			newest = t
		}
	}
	if pod.Status.StartTime != nil {
		note(pod.Status.StartTime.Time)
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; slices.Contains(kubelets, c.Type) {
			note(c.LastTransitionTime.Time)
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range statuses {
			for _, state := range []corev1.ContainerState{statuses[i].State, statuses[i].LastTerminationState} {
				if state.Running != nil {
					note(state.Running.StartedAt.Time)
				}
				if state.Terminated != nil {
					note(state.Terminated.FinishedAt.Time)
				}
			}
		}
	}
	return newest
}
