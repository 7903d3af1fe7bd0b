package status

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// container is one of a pod's that runs.
type container struct {
	name    string
	started time.Time
}

// running are the containers that run now, by name.
func running(pod *corev1.Pod) map[string]container {
	all := map[string]container{}
	for _, s := range statuses(pod) {
		if s.State.Running != nil {
			all[s.Name] = container{s.Name, s.State.Running.StartedAt.Time}
		}
	}
	return all
}

// started reports whether any container has started, be it over by now. The kubelet starts
// none before it takes all volumes for mounted.
func started(pod *corev1.Pod) bool {
	return slices.ContainsFunc(statuses(pod), func(s corev1.ContainerStatus) bool {
		return s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil
	})
}

func statuses(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses)
}

// seesLateMounts reports whether a container sees what is mounted after it has started.
func seesLateMounts(m *corev1.VolumeMount) bool {
	return m.MountPropagation != nil && *m.MountPropagation != corev1.MountPropagationNone
}

// lateTolerance is more than the clocks of node and API server differ, and less than the
// driver's shortest sensible interval, the least that a mount can be late.
const lateTolerance = 10 * time.Second

// olderThan are the running containers with a mount of the volume that started before a
// time, and see nothing of what was mounted then.
func olderThan(pod *corev1.Pod, volume string, mounted time.Time) []container {
	alive := running(pod)
	var old []container
	eachContainer(&pod.Spec, func(_ string, _ int, c *corev1.Container) {
		r, ok := alive[c.Name]
		if !ok || mounted.Sub(r.started) < lateTolerance {
			return
		}
		if slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume && !seesLateMounts(&m) }) {
			old = append(old, r)
		}
	})
	return old
}

// eachContainer visits the containers of a pod, with the name of their list and their
// place in it.
func eachContainer(spec *corev1.PodSpec, visit func(list string, index int, c *corev1.Container)) {
	for i := range spec.InitContainers {
		visit("initContainers", i, &spec.InitContainers[i])
	}
	for i := range spec.Containers {
		visit("containers", i, &spec.Containers[i])
	}
	for i := range spec.EphemeralContainers {
		c := corev1.Container(spec.EphemeralContainers[i].EphemeralContainerCommon)
		visit("ephemeralContainers", i, &c)
	}
}
