package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"akv-injector/inject/facts"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/cli/preview"
)

// kinds of objects that can be looked at, by what people call them.
var kinds = []struct {
	names []string
	get   func(ctx context.Context, p *Patient, name string) (runtime.Object, error)
}{
	{[]string{"pod", "pods", "po"}, func(ctx context.Context, p *Patient, name string) (runtime.Object, error) {
		return p.Client.CoreV1().Pods(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	}},
	{[]string{"deployment", "deployments", "deploy"}, func(ctx context.Context, p *Patient, name string) (runtime.Object, error) {
		return p.Client.AppsV1().Deployments(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	}},
	{[]string{"statefulset", "statefulsets", "sts"}, func(ctx context.Context, p *Patient, name string) (runtime.Object, error) {
		return p.Client.AppsV1().StatefulSets(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	}},
	{[]string{"daemonset", "daemonsets", "ds"}, func(ctx context.Context, p *Patient, name string) (runtime.Object, error) {
		return p.Client.AppsV1().DaemonSets(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	}},
	{[]string{"replicaset", "replicasets", "rs"}, func(ctx context.Context, p *Patient, name string) (runtime.Object, error) {
		return p.Client.AppsV1().ReplicaSets(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	}},
	{[]string{"job", "jobs"}, func(ctx context.Context, p *Patient, name string) (runtime.Object, error) {
		return p.Client.BatchV1().Jobs(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	}},
	{[]string{"cronjob", "cronjobs", "cj"}, func(ctx context.Context, p *Patient, name string) (runtime.Object, error) {
		return p.Client.BatchV1().CronJobs(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	}},
}

// Aim looks up what an argument names: POD or KIND/NAME.
func (p *Patient) Aim(ctx context.Context, arg string) error {
	kind, name, ok := strings.Cut(arg, "/")
	if !ok {
		kind, name = "pod", arg
	}
	i := slices.IndexFunc(kinds, func(k struct {
		names []string
		get   func(context.Context, *Patient, string) (runtime.Object, error)
	},
	) bool {
		return slices.Contains(k.names, strings.ToLower(kind))
	})
	if i < 0 {
		var known []string
		for _, k := range kinds {
			known = append(known, k.names[0])
		}
		return fmt.Errorf("%q: doctor looks at POD or KIND/NAME, where KIND is one of %s", arg, strings.Join(known, ", "))
	}
	if problem := workload.NameProblem(name); problem.Found() {
		return fmt.Errorf("%q: %s", arg, problem)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	o, err := kinds[i].get(ctx, p, name)
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("there is no %s %s in namespace %s", kinds[i].names[0], name, p.Namespace)
	case err != nil:
		return unseen(err, "get", kinds[i].names[1], p.Namespace)
	}
	p.Target, p.Name = workload.TargetOf(o), name
	if p.Target == nil {
		return fmt.Errorf("the %s %s has no template", kinds[i].names[0], name)
	}
	if pod, isPod := o.(*corev1.Pod); isPod {
		if metav1.GetControllerOf(pod) != nil {
			p.Target.Origin = workload.FromController
		}
		p.started = started(pod)
	}
	// Typed clients leave the kind out.
	gvks, _, err := scheme.Scheme.ObjectKinds(o)
	if err != nil {
		return err
	}
	o.GetObjectKind().SetGroupVersionKind(gvks[0])
	encoded, err := json.Marshal(o)
	if err != nil {
		return err
	}
	objects, _ := manifest.FromJSON(p.Namespace, encoded)
	if len(objects) == 1 {
		p.object = objects[0]
	}
	return nil
}

// started is when the first of a pod's containers, init containers too, started: all volumes were mounted by then.
func started(pod *corev1.Pod) time.Time {
	var first time.Time
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		for _, at := range []*corev1.ContainerState{&c.State, &c.LastTerminationState} {
			began := time.Time{}
			switch {
			case at.Running != nil:
				began = at.Running.StartedAt.Time
			case at.Terminated != nil:
				began = at.Terminated.StartedAt.Time
			}
			if !began.IsZero() && (first.IsZero() || began.Before(first)) {
				first = began
			}
		}
	}
	return first
}

// facts asks the API server for what the rules need.
func (p *Patient) facts(ctx context.Context, needs facts.Needs) (facts.Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	live := &preview.Live{Files: (&manifest.Set{}).Cluster(p.Namespace, false), Client: p.Dynamic}
	return live.Facts(ctx, p.object, needs)
}
