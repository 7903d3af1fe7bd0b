package secretsstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/secretsstore"
	"akv-injector/internal/testing/await"
)

// These tests are the kubelet: they call the driver as it does, and so show what the
// driver answers to whom. What the kubelet makes of the answers is for tests with one.

func TestIntervalCountsFromTheLastChange(t *testing.T) {
	sandbox.Require(t)
	// It passes only where the test says so.
	v := startVolume(t, secretsstore.Options{PollInterval: time.Hour})
	v.provider.set("first")
	v.publish(t, codes.OK)
	v.publish(t, codes.OK)
	if calls := v.provider.called(); calls != 1 || v.content(t) != "first" {
		t.Fatalf("the provider was called %d times and the file has %q, want once and the first content", calls, v.content(t))
	}
	v.age(t)
	v.publish(t, codes.OK)
	if calls := v.provider.called(); calls != 2 {
		t.Fatalf("after the interval the provider was called %d times, want twice", calls)
	}
	// Nothing had changed, so the clock stands: from now on every call is acted on.
	v.publish(t, codes.OK)
	v.publish(t, codes.OK)
	if calls := v.provider.called(); calls != 4 {
		t.Errorf("the provider was called %d times, want 4: once for each call after the interval", calls)
	}
	v.provider.set("second")
	v.publish(t, codes.OK)
	v.publish(t, codes.OK)
	if calls := v.provider.called(); calls != 5 || v.content(t) != "second" {
		t.Errorf("after a change the provider was called %d times and the file has %q, want 5 and the second content", calls, v.content(t))
	}
}

// The kubelet takes Unavailable for a call that may still be under way: it leaves the
// folder and tries again after half a second. A provider has to fail so three times in one
// call of the driver's, which makes up for the first two.
func TestRetryWithinTheIntervalMountsNothing(t *testing.T) {
	sandbox.Require(t)
	for _, version := range versions {
		t.Run(version.name, func(t *testing.T) {
			v := startVolume(t, secretsstore.Options{Legacy: version.legacy, PollInterval: time.Hour})
			v.publish(t, codes.Unavailable)
			if calls := v.provider.called(); calls != 3 {
				t.Errorf("the driver called the provider %d times before it gave up, want 3", calls)
			}
			v.provider.set("content")
			v.publish(t, codes.OK)
			if version.legacy {
				if got := v.content(t); got != "content" {
					t.Errorf("the retry succeeds, and the file has %q", got)
				}
				return
			}
			if got := v.content(t); got != "" {
				t.Fatalf("the retry wrote %q: the driver has been fixed, and what we say about it is out of date", got)
			}
			// It is the folder's age alone that decides.
			v.age(t)
			v.publish(t, codes.OK)
			if got := v.content(t); got != "content" {
				t.Errorf("after the interval the file has %q", got)
			}
		})
	}
}

// A driver that ends while it waits for the provider leaves an empty file system mounted.
func TestRetryAfterACrashMountsNothing(t *testing.T) {
	sandbox.Require(t)
	for _, version := range versions {
		t.Run(version.name, func(t *testing.T) {
			v := startVolume(t, secretsstore.Options{Legacy: version.legacy, PollInterval: time.Hour})
			v.provider.set("content")
			release := v.provider.stall()
			answer := make(chan error, 1)
			go func() { answer <- v.call(t.Context()) }()
			await.Poll{Limit: 30 * time.Second}.Require(t, "the call of the provider", func(context.Context) (bool, string) {
				n := v.provider.called()
				return n == 1, fmt.Sprintf("%d calls", n)
			})
			if err := v.store.KillDriver(); err != nil {
				t.Fatal(err)
			}
			if err := <-answer; status.Code(err) != codes.Unavailable {
				t.Errorf("the first call ends with %v", err)
			}
			release()
			if err := v.store.StartDriver(t.Context()); err != nil {
				t.Fatal(err)
			}
			v.publish(t, codes.OK)
			if got := v.content(t); got != "" {
				t.Fatalf("the retry wrote %q: the driver has been fixed, and what we say about it is out of date", got)
			}
			// The newer one makes up for it when the interval is over. The older one never
			// does: to it the volume is mounted, and without a status its loop skips it.
			v.age(t)
			v.publish(t, codes.OK)
			want := "content"
			if version.legacy {
				want = ""
			}
			if got := v.content(t); got != want {
				t.Errorf("after the interval the file has %q, want %q", got, want)
			}
		})
	}
}

// volume is a pod's volume of the class "class", as the kubelet asks for it.
type volume struct {
	store    *secretsstore.SecretsStore
	provider *provider
	target   string
	driver   csi.NodeClient
}

func startVolume(t *testing.T, options secretsstore.Options) *volume {
	t.Helper()
	cp, s, node := start(t, options)
	v := &volume{
		store: s, provider: replaceProvider(t, s), driver: csi.NewNodeClient(dial(t, s.DriverSocket())),
		target: filepath.Join(node.KubeletRoot, "pods", podUID, "volumes", "kubernetes.io~csi", "secrets", "mount"),
	}
	if err := os.MkdirAll(filepath.Dir(v.target), 0o750); err != nil {
		t.Fatal(err)
	}
	api, err := client.New(cp.Config, client.Options{Scheme: cluster.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	class := &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Name: "class", Namespace: metav1.NamespaceDefault},
		Spec: secretsstorev1.SecretProviderClassSpec{
			Provider: "azure", Parameters: map[string]string{"keyvaultName": "payments-kv"},
		},
	}
	if err := api.Create(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		v.unpublish(t)
		ctx := context.Background() // the test's own is over
		if err := api.Delete(ctx, class); err != nil {
			t.Error(err)
		}
		// There is no garbage collector, which removes those of pods that are gone.
		if err := api.DeleteAllOf(ctx, &secretsstorev1.SecretProviderClassPodStatus{}, client.InNamespace(class.Namespace)); err != nil {
			t.Error(err)
		}
	})
	return v
}

const podUID = "11111111-2222-3333-4444-555555555555"

// call asks the driver for the volume, as the kubelet does at first and again and again.
func (v *volume) call(ctx context.Context) error {
	_, err := v.driver.NodePublishVolume(ctx, &csi.NodePublishVolumeRequest{
		VolumeId: "csi-volume", TargetPath: v.target, Readonly: true,
		VolumeCapability: &csi.VolumeCapability{
			AccessType: &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{}},
			AccessMode: &csi.VolumeCapability_AccessMode{Mode: csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER},
		},
		VolumeContext: map[string]string{
			"secretProviderClass":                    "class",
			"csi.storage.k8s.io/ephemeral":           "true",
			"csi.storage.k8s.io/pod.name":            "pod",
			"csi.storage.k8s.io/pod.namespace":       metav1.NamespaceDefault,
			"csi.storage.k8s.io/pod.uid":             podUID,
			"csi.storage.k8s.io/serviceAccount.name": "default",
			// For 1.4.8, which would ask for them itself if there were none.
			"csi.storage.k8s.io/serviceAccount.tokens": `{"api://AzureADTokenExchange":{}}`,
		},
		// After a restart of the driver the connection is regenerated.
	}, grpc.WaitForReady(true))
	return err
}

func (v *volume) publish(t *testing.T, want codes.Code) {
	t.Helper()
	if err := v.call(t.Context()); status.Code(err) != want {
		t.Fatalf("the driver answers %v, want %s", err, want)
	}
}

// age makes the volume older than any interval here.
func (v *volume) age(t *testing.T) {
	t.Helper()
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(v.target, old, old); err != nil {
		t.Fatal(err)
	}
}

func (v *volume) unpublish(t *testing.T) {
	t.Helper()
	// The test's own context has ended by now.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := v.driver.NodeUnpublishVolume(ctx, &csi.NodeUnpublishVolumeRequest{VolumeId: "csi-volume", TargetPath: v.target}); err != nil {
		t.Error(err)
	}
}

// content of the volume's file; empty if there is none.
func (v *volume) content(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(v.target, "password"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(content)
}
