// Package workloads_test has the real API server and the real controllers ask the real
// program about workloads and SecretProviderClasses: what is refused, what is admitted and
// warned of, and what costs no call.
package workloads_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/internal/testing/await"
)

// soon is how long a condition may take to come true, on a busy machine.
var soon = await.Poll{Limit: 2 * time.Minute}

// start starts a control plane with everything that makes and places pods. Its one node
// is an object that nobody stands behind: pods get there, and run nowhere.
func start(t *testing.T, install injector.Options) *cluster.Cluster {
	t.Helper()
	c := cluster.Start(t, controlplane.Options{
		ControllerManager: true, Scheduler: true,
		// Nobody sends the node's heartbeat.
		ExtraControllerManagerArgs: []string{"--node-monitor-grace-period=10h"},
	}, install)
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse("500"),
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{corev1.LabelHostname: "node-1", corev1.LabelOSStable: "linux"}},
	}
	if err := c.API.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	// A patch, since the controllers taint and label a new node at any moment: an update
	// would then be a conflict.
	created := node.DeepCopy()
	node.Status = corev1.NodeStatus{
		Capacity: room, Allocatable: room,
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Test"}},
	}
	if err := c.API.Status().Patch(t.Context(), node, client.MergeFrom(created)); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWorkloads has those that bear one another's company in a cluster, one after the other:
// they count calls.
func TestWorkloads(t *testing.T) {
	t.Parallel()
	c := start(t, injector.Options{Args: []string{"--rotation-poll-interval=3m"}})
	t.Run("Classes", func(t *testing.T) { classesAreChecked(t, c) })
	t.Run("NamespaceThatDidNotOptIn", func(t *testing.T) { namespaceThatDidNotOptIn(t, c) })
	t.Run("WhatIsTold", func(t *testing.T) { whatIsToldOfWorkloads(t, c) })
}

// output is what a kubectl command printed.
type output struct{ stdout, stderr string }

// warnings are the lines that kubectl prints of the API server's warnings.
func (o output) warnings() []string {
	var lines []string
	for line := range strings.Lines(o.stderr) {
		if text, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "Warning: "); ok {
			lines = append(lines, text)
		}
	}
	return lines
}

// kubectl runs a command with a text on its standard input.
func kubectl(ctx context.Context, c *cluster.Cluster, stdin string, args ...string) (output, error) {
	cmd := c.KubectlCommand(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	o := output{stdout.String(), stderr.String()}
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, o.stderr)
	}
	return o, err
}

// mustKubectl runs a command that has to be let through.
func mustKubectl(t *testing.T, c *cluster.Cluster, stdin string, args ...string) output {
	t.Helper()
	o, err := kubectl(t.Context(), c, stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// podNames are the pods in a namespace that are not on their way out.
func podNames(ctx context.Context, c *cluster.Cluster, namespace string) (map[string]string, error) {
	o, err := kubectl(ctx, c, "", "get", "pods", "-n", namespace, "-o", "json")
	if err != nil {
		return nil, err
	}
	var list unstructured.UnstructuredList
	if err := json.Unmarshal([]byte(o.stdout), &list); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, pod := range list.Items {
		if pod.GetDeletionTimestamp() == nil {
			names[pod.GetName()] = pod.GetLabels()["app"]
		}
	}
	return names, nil
}
