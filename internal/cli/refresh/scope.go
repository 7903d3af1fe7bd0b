package refresh

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"akv-injector/internal/text"
)

// kinds of workloads whose pods can be named by them, by the words that kubectl takes.
var kinds = map[string]schema.GroupVersionResource{
	"deployment": appsv1.SchemeGroupVersion.WithResource("deployments"), "deploy": appsv1.SchemeGroupVersion.WithResource("deployments"),
	"statefulset": appsv1.SchemeGroupVersion.WithResource("statefulsets"), "sts": appsv1.SchemeGroupVersion.WithResource("statefulsets"),
	"daemonset": appsv1.SchemeGroupVersion.WithResource("daemonsets"), "ds": appsv1.SchemeGroupVersion.WithResource("daemonsets"),
	"replicaset": appsv1.SchemeGroupVersion.WithResource("replicasets"), "rs": appsv1.SchemeGroupVersion.WithResource("replicasets"),
}

// resource reads the kind of TYPE/NAME, with its plural and its group as kubectl prints them.
func resource(kind string) (schema.GroupVersionResource, bool) {
	kind, _, _ = strings.Cut(strings.ToLower(kind), ".")
	if found, ok := kinds[kind]; ok {
		return found, true
	}
	found, ok := kinds[strings.TrimSuffix(kind, "s")]
	return found, ok
}

// Check finds what is wrong with a word before anybody is asked.
func Check(word string) error {
	kind, name, isPair := strings.Cut(word, "/")
	if !isPair {
		return nil
	}
	if _, ok := resource(kind); (!ok && !isPod(kind)) || name == "" {
		return fmt.Errorf("%q: write the name of a pod, or deploy/NAME, statefulset/NAME, daemonset/NAME or replicaset/NAME", text.Shorten(word))
	}
	return nil
}

func isPod(kind string) bool { return slices.Contains([]string{"pod", "pods", "po"}, kind) }

// Pods are the names of the pods that words name: pods, or the pods of workloads.
func Pods(ctx context.Context, client dynamic.Interface, namespace string, words []string) ([]string, error) {
	var names []string
	for _, word := range words {
		kind, name, isPair := strings.Cut(word, "/")
		if !isPair {
			names = append(names, word)
			continue
		}
		if isPod(kind) {
			names = append(names, name)
			continue
		}
		gvr, _ := resource(kind)
		owner, err := client.Resource(gvr).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", text.Shorten(word), err)
		}
		selector, err := selectorOf(owner)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text.Shorten(word), err)
		}
		pods, err := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(namespace).
			List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return nil, fmt.Errorf("listing the pods of %s: %w", text.Shorten(word), err)
		}
		if len(pods.Items) == 0 {
			return nil, fmt.Errorf("%s has no pods", text.Shorten(word))
		}
		for i := range pods.Items {
			names = append(names, pods.Items[i].GetName())
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func selectorOf(owner *unstructured.Unstructured) (string, error) {
	content, _, err := unstructured.NestedMap(owner.Object, "spec", "selector")
	if err != nil {
		return "", err
	}
	var selector metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &selector); err != nil {
		return "", err
	}
	parsed, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil {
		return "", err
	}
	if parsed.Empty() {
		return "", fmt.Errorf("its selector is empty")
	}
	return parsed.String(), nil
}
