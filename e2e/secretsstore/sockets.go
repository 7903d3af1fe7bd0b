package secretsstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxSocketPath is the longest path of a socket: the kernel has 108 bytes, the last of
// them zero. Programs that are given a longer one say "bind: invalid argument".
const maxSocketPath = 107

// DriverSocket is where the kubelet calls the driver.
func (s *SecretsStore) DriverSocket() string {
	return filepath.Join(s.node.KubeletRoot, "plugins", "csi-secrets-store", "csi.sock")
}

// ProviderSocket is where the driver calls the provider. After [SecretsStore.StopProvider]
// a test may put a server of its own there, or nothing; after [SecretsStore.KillProvider]
// there is a socket that refuses. The file's name is how the driver
// finds a class's provider, so it is the name "azure".
func (s *SecretsStore) ProviderSocket() string { return filepath.Join(s.dir, "azure.sock") }

// registrationSocket is where the kubelet, which watches the folder, learns of the driver.
func (s *SecretsStore) registrationSocket() string {
	return filepath.Join(s.node.KubeletRoot, "plugins_registry", DriverName+"-reg.sock")
}

// checkSockets makes the sockets' folders, and refuses paths that no socket can have.
func (s *SecretsStore) checkSockets() error {
	for _, socket := range []string{s.DriverSocket(), s.ProviderSocket(), s.registrationSocket()} {
		if len(socket) > maxSocketPath {
			return fmt.Errorf("the socket's path %s has %d characters, and can have %d:"+
				" choose a shorter folder for the kubelet or the control plane", socket, len(socket), maxSocketPath)
		}
		if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// removeSockets removes what ended programs have left. One that was killed leaves its
// socket, and so does driver 1.4.8 when it is stopped before its caches have synced: it
// ends itself as a failure then.
func (s *SecretsStore) removeSockets() error {
	var errs []error
	for _, socket := range []string{s.DriverSocket(), s.ProviderSocket()} {
		if err := os.Remove(socket); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
