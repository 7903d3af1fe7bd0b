package secretsstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/secretsstore"
)

func TestStartRegisterRestartStop(t *testing.T) {
	for _, version := range versions {
		t.Run(version.name, func(t *testing.T) {
			cp, s, node := start(t, secretsstore.Options{Legacy: version.legacy})
			checkObject(t, cp, version.legacy)
			register(t, s, node, version.name)
			restart(t, s)
			if metrics, err := s.ProviderMetrics(t.Context()); err != nil || !strings.Contains(metrics, "target_info") {
				t.Errorf("the provider's metrics are %q, %v", metrics, err)
			}
			if strings.Contains(s.DriverLog(), "forbidden") {
				t.Error("the driver lacks rights that its own manifests should give")
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			if left := append(sockets(t, node.KubeletRoot), sockets(t, cp.Dir)...); len(left) > 0 {
				t.Errorf("sockets left: %q", left)
			}
		})
	}
}

// register does what a kubelet does with the driver, and wants the answers that it needs.
func register(t *testing.T, s *secretsstore.SecretsStore, node secretsstore.Node, version string) {
	t.Helper()
	// The kubelet looks for sockets there, asks each what it is, then calls the driver.
	registrations := sockets(t, filepath.Join(node.KubeletRoot, "plugins_registry"))
	if len(registrations) != 1 {
		t.Fatalf("sockets for the kubelet: %q, want one", registrations)
	}
	kubelet := registerapi.NewRegistrationClient(dial(t, registrations[0]))
	info, err := kubelet.GetInfo(t.Context(), &registerapi.InfoRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if info.Type != registerapi.CSIPlugin || info.Name != secretsstore.DriverName {
		t.Errorf("the kubelet is told of %s %s", info.Type, info.Name)
	}
	connection := dial(t, info.Endpoint)
	identity, err := csi.NewIdentityClient(connection).GetPluginInfo(t.Context(), &csi.GetPluginInfoRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if identity.Name != info.Name || identity.VendorVersion != version {
		t.Errorf("the driver is %s %s, want %s %s", identity.Name, identity.VendorVersion, info.Name, version)
	}
	answer, err := csi.NewNodeClient(connection).NodeGetInfo(t.Context(), &csi.NodeGetInfoRequest{})
	if err != nil || answer.NodeId != node.Name {
		t.Errorf("the driver's node is %q, %v; want %s", answer.GetNodeId(), err, node.Name)
	}
	unasked, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.AwaitRegistered(unasked); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("registered before the kubelet said so: %v", err)
	}
	if _, err := kubelet.NotifyRegistrationStatus(t.Context(), &registerapi.RegistrationStatus{PluginRegistered: true}); err != nil {
		t.Error(err)
	}
	if err := s.AwaitRegistered(t.Context()); err != nil {
		t.Error(err)
	}
}

// restart stops and kills the driver and the provider, and starts them again.
func restart(t *testing.T, s *secretsstore.SecretsStore) {
	t.Helper()
	for _, do := range []func(context.Context) error{
		func(context.Context) error { return s.StopProvider() }, s.StartProvider,
		func(context.Context) error { return s.StopDriver() }, s.StartDriver,
		func(context.Context) error { return s.KillDriver() }, s.StartDriver,
		func(context.Context) error { return s.KillProvider() },
		func(context.Context) error { return refuses(s.ProviderSocket()) }, s.StartProvider,
	} {
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// checkObject looks at what the kubelet reads of the driver.
func checkObject(t *testing.T, cp *controlplane.ControlPlane, legacy bool) {
	t.Helper()
	driver, err := cp.Client.StorageV1().CSIDrivers().Get(t.Context(), secretsstore.DriverName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec := driver.Spec
	if !*spec.PodInfoOnMount || *spec.AttachRequired || *spec.RequiresRepublish == legacy ||
		(spec.ServiceAccountTokenInSecrets != nil) == legacy {
		t.Errorf("the CSIDriver object is %+v", spec)
	}
	want := []storagev1.TokenRequest{{Audience: "api://AzureADTokenExchange"}}
	if diff := cmp.Diff(want, spec.TokenRequests); diff != "" {
		t.Errorf("the CSIDriver object's tokenRequests: -want +got:\n%s", diff)
	}
}

// refuses wants a socket that is there, and that nobody listens at.
func refuses(socket string) error {
	connection, err := net.Dial("unix", socket)
	switch {
	case err == nil:
		connection.Close()
		return errors.New("somebody listens at the socket of a provider that was killed")
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the socket of a provider that was killed: %w", err)
	}
	return nil
}

func TestSocketsThatCannotBe(t *testing.T) {
	node := secretsstore.Node{Name: nodeName, KubeletRoot: "/" + strings.Repeat("long/", 20)}
	cp := &controlplane.ControlPlane{Dir: t.TempDir()}
	_, err := secretsstore.Start(t.Context(), cp, node, secretsstore.Options{})
	if err == nil || !strings.Contains(err.Error(), "characters, and can have 107") {
		t.Errorf("error is %v", err)
	}
}

func dial(t *testing.T, socket string) *grpc.ClientConn {
	t.Helper()
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

// sockets below a folder.
func sockets(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type()&os.ModeSocket != 0 {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
