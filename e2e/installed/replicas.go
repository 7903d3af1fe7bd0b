package installed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/injector"
	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

// Replicas are the pods of akv-injector that are not on their way out.
func (m *Machine) Replicas(ctx context.Context) ([]corev1.Pod, error) {
	list, err := m.Client.CoreV1().Pods(injector.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=akv-injector"})
	if err != nil {
		return nil, err
	}
	var pods []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			pods = append(pods, p)
		}
	}
	return pods, nil
}

// Ready waits until there are so many replicas, all of them ready.
func (m *Machine) Ready(ctx context.Context, count int) error {
	poll := await.Poll{Limit: 2 * time.Minute, Every: 100 * time.Millisecond}
	return poll.Retry(fmt.Sprintf("%d ready replicas", count), func() error {
		pods, err := m.Replicas(ctx)
		if err != nil {
			return err
		}
		for _, p := range pods {
			for _, c := range p.Status.Conditions {
				if c.Type == corev1.PodReady && c.Status != corev1.ConditionTrue {
					return fmt.Errorf("%s is not: %s", p.Name, c.Message)
				}
			}
		}
		if len(pods) != count {
			return fmt.Errorf("there are %d", len(pods))
		}
		return nil
	})
}

// Leader and another replica, when there are both.
func (m *Machine) Leader(ctx context.Context) (leader, other *corev1.Pod, err error) {
	// The lease of one that was killed lasts 137 s.
	poll := await.Poll{Limit: 4 * time.Minute, Every: 100 * time.Millisecond}
	err = poll.Retry("a replica that leads, and another", func() error {
		leader, other = nil, nil
		lease, err := m.Client.CoordinationV1().Leases(injector.Namespace).Get(ctx, Release, metav1.GetOptions{})
		if err != nil {
			return err
		}
		pods, err := m.Replicas(ctx)
		if err != nil {
			return err
		}
		holder := ""
		if lease.Spec.HolderIdentity != nil {
			holder = *lease.Spec.HolderIdentity
		}
		for i := range pods {
			// A name, and what makes it another's after a restart.
			if strings.HasPrefix(holder, pods[i].Name+"_") {
				leader = &pods[i]
			} else {
				other = &pods[i]
			}
		}
		if leader == nil || other == nil {
			return fmt.Errorf("of %d replicas %q leads", len(pods), holder)
		}
		return nil
	})
	return leader, other, err
}

// Busiest is the replica to which the API server has most connections open.
func (m *Machine) Busiest(ctx context.Context) (*corev1.Pod, error) {
	pods, err := m.Replicas(ctx)
	if err != nil {
		return nil, err
	}
	var busiest *corev1.Pod
	most := -1
	for i := range pods {
		pid, err := m.pid(&pods[i])
		if err != nil {
			return nil, err
		}
		n, err := connections(pid)
		if err != nil {
			return nil, err
		}
		if n > most {
			busiest, most = &pods[i], n
		}
	}
	if most <= 0 {
		return nil, errors.New("the API server has no connection to a replica")
	}
	return busiest, nil
}

// webhookPort is the chart's server.webhookPort.
const webhookPort = 9443

// connections counts those that are open to the webhooks' port of a process.
func connections(pid int) (int, error) {
	count := 0
	for _, file := range []string{"tcp", "tcp6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, file))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(table)) {
			// "sl local_address rem_address st …", and 01 is an established one.
			fields := strings.Fields(line)
			const established = "01"
			if len(fields) > 3 && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", webhookPort)) && fields[3] == established {
				count++
			}
		}
	}
	return count, nil
}

// Signal sends a signal to a replica's process.
func (m *Machine) Signal(pod *corev1.Pod, signal syscall.Signal) error {
	pid, err := m.pid(pod)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, signal)
}

func (m *Machine) pid(pod *corev1.Pod) (int, error) {
	if len(pod.Status.ContainerStatuses) == 0 {
		return 0, errors.New("the pod has no container yet")
	}
	return m.Node.ContainerPid(pod.Status.ContainerStatuses[0].ContainerID)
}

// Usage is what a replica has used.
type Usage struct {
	PeakMiB     int
	Goroutines  int
	OutOfMemory bool
}

// Usage of a replica that runs.
func (m *Machine) Usage(ctx context.Context, pod *corev1.Pod) (Usage, error) {
	var u Usage
	status := pod.Status.ContainerStatuses[0]
	u.OutOfMemory = status.LastTerminationState.Terminated != nil && status.LastTerminationState.Terminated.Reason == "OOMKilled"
	pid, err := m.pid(pod)
	if err != nil {
		return u, err
	}
	peak, err := process.PeakMemory(pid)
	if err != nil {
		return u, err
	}
	u.PeakMiB = peak >> 20
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+pod.Status.PodIP+":8080/metrics", nil)
	if err != nil {
		return u, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return u, err
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if number, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			u.Goroutines, err = strconv.Atoi(number)
			return u, err
		}
	}
	return u, errors.New("its metrics have no go_goroutines")
}
