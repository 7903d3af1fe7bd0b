package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/images"
	"akv-injector/inject/annotation"
)

// Mounted is where the files of a pod's first vault are.
const Mounted = "/mnt/secrets-store"

// Pod asks for objects of the tenant's vault. Its container sleeps until it is told to end.
func (t *Tenant) Pod(name, objects string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Annotations: map[string]string{
			annotation.Vault:          t.Vault,
			annotation.Objects:        objects,
			annotation.ServiceAccount: Account,
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{Sleeper("app")}, TerminationGracePeriodSeconds: new(int64)},
	}
}

// Sleeper is a container that sleeps.
func Sleeper(name string) corev1.Container {
	return corev1.Container{
		Name: name, Image: images.Shell, ImagePullPolicy: corev1.PullNever, Command: []string{"sleep", "1000000"},
	}
}

// Run creates a pod and waits until it is ready.
func (t *Tenant) Run(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	if err := t.API.Create(ctx, pod); err != nil {
		return nil, err
	}
	return t.AwaitPod(ctx, pod.Name)
}

// AwaitPod waits until a pod is ready, and gives it.
func (t *Tenant) AwaitPod(ctx context.Context, name string) (*corev1.Pod, error) {
	var pod corev1.Pod
	err := t.Await(ctx, t.Namespace, "pod "+name, func(ctx context.Context) (bool, string) {
		if err := t.API.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: name}, &pod); err != nil {
			return false, err.Error()
		}
		return ready(&pod), describe(&pod)
	})
	return &pod, err
}

// AwaitPods waits until there are as many ready pods with a label as given, and no other
// with it, and gives them.
func (t *Tenant) AwaitPods(ctx context.Context, count int, labels client.MatchingLabels) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := t.Await(ctx, t.Namespace, fmt.Sprintf("%d ready pods with %v", count, labels), func(ctx context.Context) (bool, string) {
		if err := t.API.List(ctx, &list, client.InNamespace(t.Namespace), labels); err != nil {
			return false, err.Error()
		}
		good := 0
		var seen []string
		for i := range list.Items {
			if ready(&list.Items[i]) {
				good++
			}
			seen = append(seen, describe(&list.Items[i]))
		}
		return good == count && len(list.Items) == count, strings.Join(seen, "; ")
	})
	return list.Items, err
}

// Cat reads a file in the pod's container app.
func (t *Tenant) Cat(ctx context.Context, pod, path string) (string, error) {
	return t.Exec(ctx, t.Namespace, pod, "app", "cat", path)
}

// AwaitContent waits until a file in the pod's container app has a content.
func (t *Tenant) AwaitContent(ctx context.Context, pod, path, content string) error {
	return t.AwaitFile(ctx, pod, "app", path, content)
}

// AwaitFile waits until a file in a pod's container has a content, with or without an end
// of its last line. What a program in the container reads counts; but such a program is
// only started when the file is seen from outside to have the content, or cannot be seen
// from there.
func (t *Tenant) AwaitFile(ctx context.Context, pod, container, path, content string) error {
	what := fmt.Sprintf("%q in %s of container %s of %s", content, path, container, pod)
	root := ""
	return t.Await(ctx, t.Namespace, what, func(ctx context.Context) (bool, string) {
		if root == "" {
			root = t.containerRoot(ctx, pod, container)
		}
		if root != "" {
			switch got, err := os.ReadFile(filepath.Join(root, path)); {
			case err != nil:
				root = "" // the container may be another one by now
			case trim(string(got)) != trim(content):
				return false, fmt.Sprintf("%q", got)
			}
		}
		got, err := t.Exec(ctx, t.Namespace, pod, container, "cat", path)
		if err != nil {
			return false, err.Error()
		}
		return trim(got) == trim(content), fmt.Sprintf("%q", got)
	})
}

func trim(content string) string { return strings.TrimSuffix(content, "\n") }

// containerRoot is where the files of a running container are; empty if it is not known.
func (t *Tenant) containerRoot(ctx context.Context, name, container string) string {
	var pod corev1.Pod
	if err := t.API.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: name}, &pod); err != nil {
		return ""
	}
	for _, s := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses) {
		if s.Name != container || s.State.Running == nil {
			continue
		}
		if root, err := t.Node.ContainerRoot(s.ContainerID); err == nil {
			return root
		}
	}
	return ""
}

// AwaitEvent waits for an event in the tenant's namespace that has each of the texts.
func (t *Tenant) AwaitEvent(ctx context.Context, texts ...string) (event string, err error) {
	err = t.Await(ctx, t.Namespace, fmt.Sprintf("an event with %q", texts), func(context.Context) (bool, string) {
		events := t.Events(t.Namespace) //nolint:contextcheck // It has a deadline of its own.
		for _, e := range events {
			if containsAll(e, texts) {
				event = e
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d events", len(events))
	})
	return event, err
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// describe says how far a pod has come.
func describe(pod *corev1.Pod) string {
	said := []string{fmt.Sprintf("%s is %s", pod.Name, pod.Status.Phase)}
	for _, c := range pod.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			said = append(said, fmt.Sprintf("not %s (%s)", c.Type, c.Message))
		}
	}
	for _, s := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		if s.State.Waiting != nil {
			said = append(said, fmt.Sprintf("%s waits: %s %s", s.Name, s.State.Waiting.Reason, s.State.Waiting.Message))
		}
	}
	return strings.Join(said, ", ")
}
