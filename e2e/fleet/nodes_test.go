package fleet_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// callers write to the API server at once.
const callers = 32

// nodes are all kubelets and drivers of a cluster: they run pods, and write the driver's records. When a
// pod's annotation changes, the driver fetches what the vault has, as the real ones do
// (see e2e/interval), unless its gate is closed.
type nodes struct {
	*testing.T
	*cluster.Cluster
	gate time.Duration

	mu       sync.Mutex
	versions map[string]string // what the vaults have, by class
	pods     map[string]*simulated
	nudged   map[string]int
	// idle are nudges of pods that had the newest version.
	idle int
}

type simulated struct {
	class, refreshed string
	record           *secretsstorev1.SecretProviderClassPodStatus
	written          time.Time
}

// side does something for each of a number of things, several at once.
func side(n int, do func(i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range callers {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// run starts pods, each with the volume of a class.
func (n *nodes) run(namespace string, count int, class func(i int) string, asked string) {
	n.Helper()
	side(count, func(i int) {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("pod-%05d", i)},
			Spec: corev1.PodSpec{
				NodeName: fmt.Sprintf("node-%d", i%100), ServiceAccountName: cluster.Account,
				Containers: []corev1.Container{{
					Name: "app", Image: "registry.example/app",
					VolumeMounts: []corev1.VolumeMount{{Name: "secrets", MountPath: "/mnt/secrets", ReadOnly: true}},
				}},
				Volumes: []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
					Driver: provider.DriverName, ReadOnly: new(true),
					VolumeAttributes: map[string]string{provider.AttributeClass: class(i), provider.AttributeInterval: asked},
				}}}},
			},
		}
		n.must(n.API.Create(n.Context(), pod))
		n.must(n.API.Status().Patch(n.Context(), pod, client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"Running"}}`))))
		n.mount(pod, class(i))
	})
}

func (n *nodes) must(err error) {
	n.Helper()
	if err != nil {
		n.Error(err)
	}
}

// mount is a pod's first mount.
func (n *nodes) mount(pod *corev1.Pod, class string) {
	n.Helper()
	n.mu.Lock()
	version := n.versions[class]
	n.mu.Unlock()
	record := &secretsstorev1.SecretProviderClassPodStatus{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name + "-" + pod.Namespace + "-" + class,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}},
		},
		Status: secretsstorev1.SecretProviderClassPodStatusStatus{
			PodName: pod.Name, SecretProviderClassName: class, Mounted: true,
			Objects: []secretsstorev1.SecretProviderClassObject{{ID: "secret/DB-Password", Version: version}},
		},
	}
	n.must(n.API.Create(n.Context(), record))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pods[pod.Name] = &simulated{class: class, record: record, written: time.Now()}
}

// ask is a kubelet's call to the driver for a pod.
func (n *nodes) ask(name string, nudge bool) {
	n.Helper()
	n.mu.Lock()
	p := n.pods[name]
	version := n.versions[p.class]
	current := p.record.Status.Objects[0].Version == version
	if nudge {
		n.nudged[name]++
		if current {
			n.idle++
		}
	}
	if current || time.Since(p.written) < n.gate {
		n.mu.Unlock()
		return
	}
	p.written = time.Now()
	next := p.record.DeepCopy()
	next.Status.Objects[0].Version = version
	n.mu.Unlock()
	n.must(n.API.Update(n.Context(), next))
	n.mu.Lock()
	p.record = next
	n.mu.Unlock()
}

// watch lets the kubelets see their pods change, until ctx ends.
func (n *nodes) watch(ctx context.Context, namespace string) {
	n.Helper()
	list := &corev1.PodList{}
	n.must(n.API.List(ctx, list, client.InNamespace(namespace)))
	w, err := n.API.Watch(ctx, &corev1.PodList{}, client.InNamespace(namespace), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		n.Error(err)
		return
	}
	changed := make(chan string, 20_000)
	for range callers {
		go func() {
			for name := range changed {
				n.ask(name, true)
			}
		}()
	}
	go func() {
		defer close(changed)
		for event := range w.ResultChan() {
			pod, ok := event.Object.(*corev1.Pod)
			if !ok {
				continue
			}
			at := pod.Annotations[annotation.RefreshedAt]
			n.mu.Lock()
			p := n.pods[pod.Name]
			new := p != nil && at != p.refreshed
			if new {
				p.refreshed = at
			}
			n.mu.Unlock()
			if new {
				changed <- pod.Name
			}
		}
	}()
	n.Cleanup(w.Stop)
}

// stale counts the pods that do not have what their vault has.
func (n *nodes) stale() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, p := range n.pods {
		if p.record.Status.Objects[0].Version != n.versions[p.class] {
			count++
		}
	}
	return count
}

// counts are the nudges since the last call, of how many pods, and how many of them had the newest version.
func (n *nodes) counts() (nudges, pods, idle int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, count := range n.nudged {
		nudges += count
	}
	pods, idle = len(n.nudged), n.idle
	n.nudged, n.idle = map[string]int{}, 0
	return nudges, pods, idle
}
