package secretsstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"akv-injector/e2e/process"
)

func (s *SecretsStore) driverProgram() string {
	switch {
	case s.options.Legacy && s.options.Legacy15:
		return "secrets-store-csi-driver-1.5"
	case s.options.Legacy:
		return "secrets-store-csi-driver-1.4"
	}
	return "secrets-store-csi-driver"
}

// driverArgs are the same for both versions, whose flags are.
func (s *SecretsStore) driverArgs() []string {
	args := []string{
		"--endpoint=unix://" + s.DriverSocket(),
		"--nodeid=" + s.node.Name,
		"--provider-volume=" + s.dir,
		// It is looked at first, and its default is a folder of the machine.
		"--additional-provider-volume-paths=" + s.dir,
		"--metrics-addr=" + loopback(s.driverMetrics),
		"--rotation-poll-interval=" + s.options.PollInterval.String(),
	}
	if !s.options.WithoutRotation {
		args = append(args, "--enable-secret-rotation")
	}
	return append(args, s.options.DriverArgs...)
}

// StartDriver starts the driver, which must not be running, and waits until it answers.
func (s *SecretsStore) StartDriver(ctx context.Context) (err error) {
	if s.driver != nil {
		return errors.New("the driver runs already")
	}
	s.driver, err = process.Start(process.Spec{
		Name: s.driverProgram(),
		Path: s.programs[s.driverProgram()],
		Args: s.driverArgs(),
		// There is a flag as well, but not to all that 1.4.8 makes clients for.
		Env: []string{"KUBECONFIG=" + s.driverConfig},
		Log: s.driverLogFile(),
	})
	if err != nil {
		return err
	}
	return s.driver.AwaitReady(ctx, starting, func(ctx context.Context) error {
		// Metrics come from the manager, which has the caches; the socket is apart from it.
		if _, err := s.DriverMetrics(ctx); err != nil {
			return err
		}
		return probe(ctx, s.DriverSocket())
	})
}

// probe asks the driver as a liveness probe does.
func probe(ctx context.Context, socket string) error {
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = csi.NewIdentityClient(connection).Probe(ctx, &csi.ProbeRequest{})
	return err
}

// StopDriver ends the driver as the kubelet does, with SIGTERM. Its registration stays,
// as in a cluster, where another container keeps it.
func (s *SecretsStore) StopDriver() error { return stop(&s.driver, stopGrace) }

// KillDriver ends the driver as a crash does: calls that it has begun stay as they are.
func (s *SecretsStore) KillDriver() error { return stop(&s.driver, 0) }

// DriverMetrics gives the driver's metrics.
func (s *SecretsStore) DriverMetrics(ctx context.Context) (string, error) {
	status, body, err := get(ctx, "http://"+loopback(s.driverMetrics)+"/metrics")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("metrics: status %d: %s", status, body)
	}
	return body, err
}

// DriverLog is what the driver has logged, in all its runs.
func (s *SecretsStore) DriverLog() string { return read(s.driverLogFile()) }

func (s *SecretsStore) driverLogFile() string {
	return filepath.Join(s.cp.Dir, "logs", s.driverProgram()+"-"+s.node.Name+".log")
}
