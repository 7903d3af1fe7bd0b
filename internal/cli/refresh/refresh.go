package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/status"
	"akv-injector/internal/text"
)

// Result is what came of a pod.
type Result string

// Results.
const (
	// Asked is a pod whose kubelet asks the driver now.
	Asked Result = "asked"
	// Arrived is one in which a version has changed since.
	Arrived Result = "arrived"
	// Unchanged is one in which none has: the vault has nothing newer, or the mount fails.
	Unchanged Result = "unchanged"
	// Skipped is one whose files the driver wrote too short a time ago.
	Skipped Result = "skipped"
	// Failed is one that could not be patched.
	Failed Result = "failed"
)

// Line is what is told of a pod.
type Line struct {
	Pod     string
	Result  Result
	Message string
}

// settled is how long the driver takes to fetch and record what is new. Fifty pods of a node, asked
// at once, took 0.2 to 2.1 s.
const settled = 10 * time.Second

// look is the pause between two looks at the records.
const look = 500 * time.Millisecond

// Refresher asks for pods.
type Refresher struct {
	Client  dynamic.Interface
	Cluster *status.Cluster
	// Wait for what comes of it, and for the driver to look again where it would not now, for as long as Timeout.
	Wait    bool
	Timeout time.Duration
	Now     func() time.Time
}

// ErrLoop is of drivers that are not asked by the kubelet.
var ErrLoop = errors.New("the cluster's driver is older than 1.6: it rotates by a loop of its own, at its --rotation-poll-interval, and nothing makes it look sooner")

// Run asks for all pods of the scope, and passes what came of each to tell.
func (r *Refresher) Run(ctx context.Context, tell func(Line)) error {
	snapshot, _, err := r.Cluster.Read(ctx)
	if err != nil {
		return err
	}
	if err := usable(snapshot.Rotation); err != nil {
		return err
	}
	deadline := r.Now().Add(r.Timeout)
	var waiting []*target
	for i := range snapshot.Pods {
		t := newTarget(&snapshot.Pods[i], snapshot.Records, snapshot.Rotation)
		if open := t.open; open.After(r.Now()) && (!r.Wait || open.After(deadline)) {
			tell(Line{t.name(), Skipped, fmt.Sprintf("the driver wrote its files %s ago, and skips them until %s (its --rotation-poll-interval is %s)",
				text.Duration(r.Now().Sub(t.written).Round(time.Second)), open.UTC().Format("15:04:05Z"), text.Duration(snapshot.Rotation.Interval))})
			continue
		}
		if r.Wait {
			waiting = append(waiting, t)
			continue
		}
		tell(r.ask(ctx, t))
	}
	for _, t := range waiting {
		if err := r.await(ctx, t, tell); err != nil {
			return err
		}
	}
	return nil
}

func usable(rotation facts.Rotation) error {
	switch {
	case rotation.Off != "":
		return fmt.Errorf("nothing rotates, because %s", rotation.Off)
	case rotation.Known && !rotation.Kubelet:
		return ErrLoop
	}
	return nil
}

// target is a pod to be asked for.
type target struct {
	pod *corev1.Pod
	// versions that are recorded, by class and object.
	versions map[string]string
	written  time.Time
	// open is when the driver looks again.
	open time.Time
}

func newTarget(pod *corev1.Pod, records []secretsstorev1.SecretProviderClassPodStatus, rotation facts.Rotation) *target {
	t := &target{pod: pod, versions: map[string]string{}}
	for i := range records {
		record := &records[i]
		if record.Namespace != pod.Namespace || record.Status.PodName != pod.Name {
			continue
		}
		for _, o := range record.Status.Objects {
			t.versions[record.Status.SecretProviderClassName+" "+o.ID] = o.Version
		}
		// One of several volumes that the driver would look at is reason enough.
		if written := provider.Written(&record.ObjectMeta); t.written.IsZero() || written.Before(t.written) {
			t.written = written
		}
	}
	if !t.written.IsZero() {
		t.open = t.written.Add(rotation.Interval + time.Second) // the time is in whole seconds
	}
	return t
}

func (t *target) name() string { return t.pod.Namespace + "/" + t.pod.Name }

// ask patches a pod. The uid lets it fail for another pod of the same name.
func (r *Refresher) ask(ctx context.Context, t *target) Line {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":         t.pod.UID,
		"annotations": map[string]string{annotation.RefreshedAt: r.Now().UTC().Format(annotation.RefreshedAtFormat)},
	}})
	if err == nil {
		_, err = r.Client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(t.pod.Namespace).
			Patch(ctx, t.pod.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-akv"})
	}
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err), apierrors.IsInvalid(err):
		return Line{t.name(), Failed, "it was deleted meanwhile"}
	case apierrors.IsForbidden(err):
		return Line{t.name(), Failed, fmt.Sprintf("you may not patch it (kubectl auth can-i patch pods -n %s)", t.pod.Namespace)}
	case err != nil:
		return Line{t.name(), Failed, text.Line(err.Error(), 256)}
	}
	return Line{t.name(), Asked, "the kubelet asks the driver for its secrets now"}
}

// await asks for a pod when the driver would look, and waits for what comes of it.
func (r *Refresher) await(ctx context.Context, t *target, tell func(Line)) error {
	if err := sleep(ctx, t.open.Sub(r.Now())); err != nil {
		return err
	}
	line := r.ask(ctx, t)
	if line.Result != Asked {
		tell(line)
		return nil
	}
	for until := r.Now().Add(settled); r.Now().Before(until); {
		if err := sleep(ctx, look); err != nil {
			return err
		}
		snapshot, _, err := r.Cluster.Read(ctx)
		if err != nil {
			return err
		}
		now := newTarget(t.pod, snapshot.Records, snapshot.Rotation)
		arrived := false
		for object, version := range now.versions {
			if old, had := t.versions[object]; had && old != version {
				tell(Line{t.name(), Arrived, fmt.Sprintf("%s has version %s", text.Shorten(object), text.Shorten(version))})
				arrived = true
			}
		}
		if arrived {
			return nil
		}
	}
	tell(Line{t.name(), Unchanged, "the driver was asked, and has recorded nothing new: see kubectl akv status for what the vault has"})
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
