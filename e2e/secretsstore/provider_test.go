package secretsstore_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"sigs.k8s.io/secrets-store-csi-driver/provider/v1alpha1"

	"akv-injector/e2e/secretsstore"
)

// provider stands at the real one's socket, for failures that the real one cannot be
// told to have.
type provider struct {
	v1alpha1.UnimplementedCSIDriverProviderServer

	mu      sync.Mutex
	content string // of the one file; empty is "not now"
	calls   int
	hang    chan struct{} // nil: answer at once
}

// replaceProvider puts one in the place of the real provider.
func replaceProvider(t *testing.T, s *secretsstore.SecretsStore) *provider {
	t.Helper()
	if err := s.StopProvider(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", s.ProviderSocket())
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{}
	server := grpc.NewServer()
	v1alpha1.RegisterCSIDriverProviderServer(server, p)
	go server.Serve(listener) //nolint:errcheck // It ends with the test.
	t.Cleanup(server.Stop)
	return p
}

func (p *provider) set(content string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.content = content
}

func (p *provider) called() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// stall lets calls hang until release is called.
func (p *provider) stall() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hang := make(chan struct{})
	p.hang = hang
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hang = nil
		close(hang)
	}
}

func (p *provider) Mount(ctx context.Context, _ *v1alpha1.MountRequest) (*v1alpha1.MountResponse, error) {
	p.mu.Lock()
	p.calls++
	content, hang := p.content, p.hang
	p.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	if content == "" {
		return nil, status.Error(codes.Unavailable, "not now")
	}
	return &v1alpha1.MountResponse{
		ObjectVersion: []*v1alpha1.ObjectVersion{{Id: "secret/password", Version: content}},
		Files:         []*v1alpha1.File{{Path: "password", Mode: 0o644, Contents: []byte(content)}},
	}, nil
}
