package secretsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"

	"google.golang.org/grpc"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// registration tells the kubelet of the driver, as the container node-driver-registrar
// beside it does in a cluster. The kubelet takes a driver in when a socket appears in its
// folder plugins_registry, and lets it go when that socket is gone.
type registration struct {
	registerapi.UnimplementedRegistrationServer

	server   *grpc.Server
	endpoint string

	once      sync.Once
	answered  chan struct{} // closed when the kubelet has said yes or no
	objection string        // its no; set before answered is closed
}

func register(socket, endpoint string) (*registration, error) {
	// One that a killed run has left: nobody listens there.
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	r := &registration{server: grpc.NewServer(), endpoint: endpoint, answered: make(chan struct{})}
	registerapi.RegisterRegistrationServer(r.server, r)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("register with the kubelet: %w", err)
	}
	go r.server.Serve(listener) //nolint:errcheck // It ends with stop.
	return r, nil
}

// GetInfo is called by the kubelet when it has found the socket.
func (r *registration) GetInfo(context.Context, *registerapi.InfoRequest) (*registerapi.PluginInfo, error) {
	return &registerapi.PluginInfo{
		Type:              registerapi.CSIPlugin,
		Name:              DriverName,
		Endpoint:          r.endpoint,
		SupportedVersions: []string{"1.0.0"},
	}, nil
}

// NotifyRegistrationStatus is called by the kubelet when it has asked the driver for its
// node id, and has written that into the node's CSINode object.
func (r *registration) NotifyRegistrationStatus(_ context.Context, status *registerapi.RegistrationStatus) (*registerapi.RegistrationStatusResponse, error) {
	r.once.Do(func() {
		if !status.PluginRegistered {
			r.objection = status.Error
		}
		close(r.answered)
	})
	return &registerapi.RegistrationStatusResponse{}, nil
}

// stop takes the socket away.
func (r *registration) stop() { r.server.Stop() }
