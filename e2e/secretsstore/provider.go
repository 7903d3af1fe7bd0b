package secretsstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"

	"akv-injector/e2e/process"
)

const providerProgram = "secrets-store-csi-driver-provider-azure"

// StartProvider starts the provider, which must not be running, and waits until it
// answers at its socket.
func (s *SecretsStore) StartProvider(ctx context.Context) (err error) {
	if s.provider != nil {
		return errors.New("the provider runs already")
	}
	args := []string{
		"--endpoint=unix://" + s.ProviderSocket(),
		"--healthz-port=" + strconv.Itoa(s.providerHealth),
		"--prometheus-port=" + strconv.Itoa(s.providerStats),
	}
	s.provider, err = process.Start(process.Spec{
		Name: providerProgram,
		Path: s.programs[providerProgram],
		Args: append(args, s.options.ProviderArgs...),
		Env:  s.options.ProviderEnv,
		Log:  s.providerLogFile(),
	})
	if err != nil {
		return err
	}
	return s.provider.AwaitReady(ctx, starting, func(ctx context.Context) error {
		// This calls the socket.
		status, body, err := get(ctx, "http://"+loopback(s.providerHealth)+"/healthz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("healthz: status %d: %s", status, body)
		}
		return err
	})
}

// StopProvider ends the provider as the kubelet does, with SIGTERM. Its socket goes too.
func (s *SecretsStore) StopProvider() error { return stop(&s.provider, stopGrace) }

// KillProvider ends the provider as a crash does. Its socket stays, and refuses.
func (s *SecretsStore) KillProvider() error { return stop(&s.provider, 0) }

// ProviderMetrics gives the provider's metrics.
func (s *SecretsStore) ProviderMetrics(ctx context.Context) (string, error) {
	_, body, err := get(ctx, "http://"+loopback(s.providerStats)+"/metrics")
	return body, err
}

// ProviderLog is what the provider has logged, in all its runs.
func (s *SecretsStore) ProviderLog() string { return read(s.providerLogFile()) }

func (s *SecretsStore) providerLogFile() string {
	return filepath.Join(s.cp.Dir, "logs", providerProgram+"-"+s.node.Name+".log")
}
