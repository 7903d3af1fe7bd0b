package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// privatize keeps what is mounted from here on from showing outside.
func privatize() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	return nil
}

// inner is the folder for temporary files in the sandbox. It is short, wherever the
// machine's own is: paths of sockets may have 107 characters in all.
const inner = "/run/akv-e2e"

// mountAll gives the sandbox its view of the file system; dir is the run's folder.
func mountAll(dir string) error {
	// Of the new process ids: the old /proc would show other processes under them.
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	// In memory: gone with the last process, and no disk makes etcd wait.
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	// kubelet, containerd and CNI plugins have paths here that no flag changes.
	for _, path := range []string{"/run", "/var/lib", "/var/log"} {
		if err := overlay(path, filepath.Join(dir, ".overlay", strings.ReplaceAll(path, "/", "-"))); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(inner, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", inner, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount %s: %w", inner, err)
	}
	return mountResolver(filepath.Join(dir, "resolv.conf"))
}

// overlay lets writes to a folder go to another one.
func overlay(path, to string) error {
	upper, work := filepath.Join(to, "upper"), filepath.Join(to, "work")
	for _, folder := range []string{upper, work} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	// A comma ends an option, and a folder's name may have one.
	escape := strings.NewReplacer(`\`, `\\`, ",", `\,`)
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", path, escape.Replace(upper), escape.Replace(work))
	if err := unix.Mount("overlay", path, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount an overlay over %s: %w", path, err)
	}
	return nil
}

// mountResolver puts a resolv.conf in the place of the machine's.
func mountResolver(file string) error {
	const path = "/etc/resolv.conf"
	if err := os.WriteFile(file, []byte("nameserver "+AzureIP+"\noptions timeout:2 attempts:2\n"), 0o644); err != nil {
		return err
	}
	// Often it is a link into /run, and its end may be on a mount that the overlay hides.
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		if target, err = os.Readlink(path); err != nil {
			return fmt.Errorf("%s is needed, to mount another one over it: %w", path, err)
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, nil, 0o644); err != nil {
			return err
		}
	}
	if err := unix.Mount(file, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount over %s: %w", target, err)
	}
	return nil
}
