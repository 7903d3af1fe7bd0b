package interval_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/images"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
)

// How the leader learns of new versions in a tenant's namespace.
const (
	byList   = "list"   // a fence names the vault, and akv-injector may read its metadata
	byCanary = "canary" // neither
	off      = "off"    // rotation is left to the driver
	// No fence and no canary, as the interval is long: events of Key Vault alone.
	byQueue    = "queue"
	byEndpoint = "endpoint"
)

// newTenant makes a tenant, whose namespace is set up for a mode.
func newTenant(t *testing.T, s *system.System, mode string) *system.Tenant {
	t.Helper()
	tenant, err := s.NewTenant(t.Context(), mode+"-kv")
	check(t, err)
	settings := map[string]string{}
	switch mode {
	case byList:
		settings[annotation.AllowedVaults] = tenant.Vault
		check(t, s.GrantInjector(tenant.Vault))
	case byQueue:
		check(t, s.SubscribeQueue(tenant.Vault))
	case byEndpoint:
		check(t, s.SubscribeEndpoint(t.Context(), tenant.Vault))
	case off:
		settings[annotation.Rotation] = annotation.RotationOff
	}
	annotate(t, s, tenant.Namespace, settings)
	return tenant
}

// annotate sets annotations of a namespace; empty ones are removed.
func annotate(t *testing.T, s *system.System, namespace string, annotations map[string]string) {
	t.Helper()
	ns := &corev1.Namespace{}
	check(t, s.API.Get(t.Context(), types.NamespacedName{Name: namespace}, ns))
	before := ns.DeepCopy()
	for key, value := range annotations {
		if value == "" {
			delete(ns.Annotations, key)
		} else {
			metav1.SetMetaDataAnnotation(&ns.ObjectMeta, key, value)
		}
	}
	check(t, s.API.Patch(t.Context(), ns, client.MergeFrom(before)))
}

// reader is a pod that prints each value of a secret of its own as soon as it is in its file.
type reader struct {
	*system.Tenant
	mode, by string
	asked    time.Duration
	secret   string
	pod      *corev1.Pod
	// last is when the file last changed.
	last time.Time
}

// Ways to a volume.
const (
	injected = "injected"
	byHand   = "by hand"
)

const folder = "/mnt/secrets-store"

// newReader runs a pod, which has the first value when this returns.
func newReader(t *testing.T, tenant *system.Tenant, mode, by string, asked time.Duration) *reader {
	t.Helper()
	r := &reader{Tenant: tenant, mode: mode, by: by, asked: asked, secret: strings.ReplaceAll(by, " ", "-") + "-" + asked.String()}
	_, err := tenant.SetSecret(r.secret, "value-0")
	check(t, err)
	pod := tenant.Pod(r.secret, r.secret)
	pod.Spec.Containers = []corev1.Container{{
		Name: "app", Image: images.Shell, ImagePullPolicy: corev1.PullNever,
		// The shell's own read starts no process. A file without a newline is read all the same.
		Command: []string{"sh", "-c", `old=; while :; do read -r new 2>/dev/null <` + folder + "/" + r.secret + `; if [ "$new" != "$old" ]; then echo "$new"; old=$new; fi; sleep 0.1; done`},
	}}
	if by == injected {
		pod.Annotations[annotation.RotationPollInterval] = asked.String()
	} else {
		r.writeByHand(t, pod)
	}
	_, err = tenant.Run(t.Context(), pod)
	check(t, err)
	// What Run returns has changed since.
	r.pod, err = tenant.AwaitPod(t.Context(), pod.Name)
	check(t, err)
	r.last, err = r.printed(t.Context(), "value-0", time.Minute)
	check(t, err)
	return r
}

// writeByHand makes of an asking pod one with a volume and a class that somebody has written.
func (r *reader) writeByHand(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	class := &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Name: r.secret, Namespace: r.Namespace},
		Spec: secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
			"keyvaultName": r.Vault, "clientID": r.ClientID, "tenantID": r.Azure.TenantID(),
			"objects": "array:\n  - |\n    objectName: " + r.secret + "\n    objectType: secret\n",
		}},
	}
	check(t, r.API.Create(t.Context(), class))
	pod.Annotations = nil
	pod.Spec.ServiceAccountName = system.Account
	pod.Spec.Volumes = []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: provider.DriverName, ReadOnly: new(true),
		VolumeAttributes: map[string]string{provider.AttributeClass: r.secret, provider.AttributeInterval: r.asked.String()},
	}}}}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "secrets", MountPath: folder, ReadOnly: true}}
}

// printed waits until the container has printed a value, and returns when it did, by the time that
// containerd gives each line.
func (r *reader) printed(ctx context.Context, value string, limit time.Duration) (at time.Time, err error) {
	err = await.Poll{Limit: limit, Every: time.Second}.Success(ctx, r.pod.Name+" to print "+value, func(ctx context.Context) error {
		text, err := r.Client.CoreV1().Pods(r.Namespace).GetLogs(r.pod.Name, &corev1.PodLogOptions{Timestamps: true}).DoRaw(ctx)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(strings.NewReader(string(text)))
		for lines.Scan() {
			stamp, printed, _ := strings.Cut(lines.Text(), " ")
			if printed == value {
				at, err = time.Parse(time.RFC3339Nano, stamp)
				return err
			}
		}
		return errors.New("it has printed " + string(text))
	})
	return at, err
}

// rotate sets a new value when the driver's gate has been open for a while, and returns how long it
// took until the container read it.
func (r *reader) rotate(ctx context.Context, value string, after time.Duration, limit time.Duration) (time.Duration, error) {
	timer := time.NewTimer(time.Until(r.last.Add(after)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-timer.C:
	}
	set := time.Now()
	if _, err := r.SetSecret(r.secret, value); err != nil {
		return 0, err
	}
	at, err := r.printed(ctx, value, limit)
	if err != nil {
		return 0, err
	}
	r.last = at
	return at.Sub(set), nil
}

// sameContainer is an error if the pod has another container than at first, or a restarted one.
func (r *reader) sameContainer(ctx context.Context) error {
	now := &corev1.Pod{}
	if err := r.API.Get(ctx, client.ObjectKeyFromObject(r.pod), now); err != nil {
		return err
	}
	before, after := r.pod.Status.ContainerStatuses, now.Status.ContainerStatuses
	if now.UID != r.pod.UID || len(after) != 1 || after[0].ContainerID != before[0].ContainerID || after[0].RestartCount != 0 {
		return fmt.Errorf("%s has another container than before: %+v", r.pod.Name, after)
	}
	return nil
}

func (r *reader) String() string { return fmt.Sprintf("%s, %s, asked %s", r.mode, r.by, r.asked) }
