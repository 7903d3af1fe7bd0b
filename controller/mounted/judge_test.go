package mounted

import (
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/provider"
)

const interval = 2 * time.Minute

// began is when the containers of the test's pods start, by the API server's clock.
var began = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// podOn is a pod whose kubelet's clock is ahead by skew, and who wrote that the containers run a second
// after they started.
func podOn(skew time.Duration, change func(*corev1.Pod)) *corev1.Pod {
	at := func(after time.Duration) metav1.Time {
		return metav1.NewTime(began.Add(skew + after).Truncate(time.Second))
	}
	start := at(-30 * time.Second)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: "kubelet", Subresource: "status", Time: &metav1.Time{Time: began.Add(time.Second)}},
			{Manager: "akv-injector", Subresource: "status", Time: &metav1.Time{Time: began.Add(time.Hour)}},
		}},
		Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{
				{Name: "files", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: provider.DriverName, VolumeAttributes: map[string]string{provider.AttributeClass: "class"}}}},
				{Name: "other"},
			},
			Containers: []corev1.Container{
				{Name: "app", VolumeMounts: []corev1.VolumeMount{{Name: "files"}}},
				{Name: "beside", VolumeMounts: []corev1.VolumeMount{{Name: "other"}}},
			},
		},
		Status: corev1.PodStatus{
			StartTime:  &start,
			Conditions: []corev1.PodCondition{{Type: corev1.ContainersReady, LastTransitionTime: at(0)}, {Type: corev1.PodScheduled, LastTransitionTime: metav1.NewTime(began.Add(-31 * time.Second))}},
			ContainerStatuses: []corev1.ContainerStatus{
				{Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(0)}}},
				{Name: "beside", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(-20 * time.Second)}}},
			},
		},
	}
	if change != nil {
		change(pod)
	}
	return pod
}

func TestJudge(t *testing.T) {
	propagate := corev1.MountPropagationHostToContainer
	const skew = 5 * time.Minute
	for name, test := range map[string]struct {
		pod  *corev1.Pod
		made time.Duration // after the containers began
		want Verdict
	}{
		"before":              {podOn(0, nil), -2 * time.Second, Mounted},
		"late":                {podOn(0, nil), interval, Late},
		"before, node ahead":  {podOn(skew, nil), -2 * time.Second, Mounted},
		"before, node behind": {podOn(-skew, nil), -2 * time.Second, Mounted},
		"late, node ahead":    {podOn(skew, nil), interval, Late},
		"late, node behind":   {podOn(-skew, nil), interval, Late},
		// The kubelet took nearly all of the driver's interval until the containers began.
		"late by little":              {podOn(0, nil), 7 * time.Second, Late},
		"late by little, node ahead":  {podOn(skew, nil), 7 * time.Second, Late},
		"late by little, node behind": {podOn(-skew, nil), 7 * time.Second, Late},
		"too close to tell":           {podOn(0, nil), 4 * time.Second, Mounted},
		"a container that restarted": {podOn(0, func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(began.Add(3 * time.Minute))
			p.ManagedFields[0].Time.Time = began.Add(3*time.Minute + time.Second)
		}), interval, Mounted},
		"a container that waits": {podOn(0, func(p *corev1.Pod) { p.Status.ContainerStatuses[0].State = corev1.ContainerState{} }), interval, Mounted},
		"no container yet":       {podOn(0, func(p *corev1.Pod) { p.Status = corev1.PodStatus{} }), interval, Mounted},
		"propagation":            {podOn(0, func(p *corev1.Pod) { p.Spec.Containers[0].VolumeMounts[0].MountPropagation = &propagate }), interval, Mounted},
		"no container mounts it": {podOn(0, func(p *corev1.Pod) { p.Spec.Containers[0].VolumeMounts = nil }), interval, Mounted},
		"a sidecar": {podOn(0, func(p *corev1.Pod) {
			p.Spec.InitContainers, p.Spec.Containers = p.Spec.Containers[:1], p.Spec.Containers[1:]
			p.Status.InitContainerStatuses, p.Status.ContainerStatuses = p.Status.ContainerStatuses[:1], p.Status.ContainerStatuses[1:]
		}), interval, Late},
		// The kubelet wrote again, long after the newest time in what it wrote: how far its clock is
		// ahead is not known, and the pod is not kept back for that.
		"written again without a time": {podOn(0, func(p *corev1.Pod) { p.ManagedFields[0].Time.Time = began.Add(3 * time.Minute) }), interval, Mounted},
		"written by nobody":            {podOn(0, func(p *corev1.Pod) { p.ManagedFields = nil }), interval, Mounted},
	} {
		if got := Judge(test.pod, map[string]time.Time{"class": began.Add(test.made)}); got != test.want {
			t.Errorf("%s: want %d, got %d", name, test.want, got)
		}
	}
	if got := Judge(podOn(0, nil), map[string]time.Time{"another": began}); got != Waiting {
		t.Errorf("without a record: %d", got)
	}
	two := podOn(0, func(p *corev1.Pod) {
		v := p.Spec.Volumes[0].DeepCopy()
		v.Name, v.CSI.VolumeAttributes[provider.AttributeClass] = "more", "second"
		p.Spec.Volumes = append(p.Spec.Volumes, *v)
	})
	if got := Judge(two, map[string]time.Time{"class": began}); got != Waiting {
		t.Errorf("with one record of two: %d", got)
	}
	if got := Judge(two, map[string]time.Time{"class": began.Add(interval), "second": began}); got != Late {
		t.Errorf("with one late of two: %d", got)
	}
}

// TestJudgeAnyClocks: whatever the clocks, the fractions of seconds and the kubelet's haste, a record
// made before the containers never keeps a pod back, and one made well after the kubelet has told that
// they run always does.
func TestJudgeAnyClocks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	within := func(limit time.Duration) time.Duration { return time.Duration(random.Int64N(int64(limit))) }
	for range 100_000 {
		skew := within(20*time.Minute) - 10*time.Minute
		started := began.Add(within(time.Minute))
		newest := started.Add(within(30 * time.Second))
		written := newest.Add(within(20 * time.Second))
		cut := func(at time.Time) metav1.Time { return metav1.NewTime(at.Truncate(time.Second)) }
		pod := podOn(0, func(p *corev1.Pod) {
			p.ManagedFields[0].Time = &metav1.Time{Time: cut(written).Time}
			p.Status.StartTime = nil
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.ContainersReady, LastTransitionTime: cut(newest.Add(skew))}}
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: cut(started.Add(skew))}}}}
		})
		before, after := started.Add(-within(time.Minute)), written.Add(late+2*time.Second+within(2*time.Minute))
		for at, want := range map[time.Time]Verdict{before: Mounted, after: Late} {
			if got := Judge(pod, map[string]time.Time{"class": cut(at).Time}); got != want {
				t.Fatalf("skew %s, started %s, newest %s, written %s, recorded %s: want %d, got %d", skew, started, newest, written, at, want, got)
			}
		}
	}
}
