package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// hierarchy is a mounted hierarchy of cgroups. Version 2 has one for all controllers,
// version 1 one for each; a machine may have both.
type hierarchy struct {
	path    string
	unified bool // version 2
}

// enterCgroups puts this process into a new cgroup of every hierarchy and makes that the
// root of all that it sees from then on, so that a container's cgroup, wherever containerd
// and the kubelet want it, is below. Only the calling thread sees it so, and what it starts:
// it must be locked.
func enterCgroups(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, h := range all {
		if err := h.enter(name); err != nil {
			return fmt.Errorf("cgroup %s: %w", filepath.Join(h.path, name), err)
		}
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("make a cgroup namespace: %w", err)
	}
	for _, h := range all {
		if err := unix.Mount(filepath.Join(h.path, name), h.path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount over %s: %w", h.path, err)
		}
		if h.unified {
			if err := h.delegate(); err != nil {
				return err
			}
		}
	}
	return nil
}

func hierarchies() ([]hierarchy, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []hierarchy
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		// "id parent device root mount-point options … - type source options"
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if len(fields) > 4 && len(kind) > 0 && (kind[0] == "cgroup" || kind[0] == "cgroup2") {
			all = append(all, hierarchy{path: fields[4], unified: kind[0] == "cgroup2"})
		}
	}
	if len(all) == 0 {
		return nil, errors.Join(errors.New("no cgroups are mounted on this machine"), lines.Err())
	}
	return all, lines.Err()
}

func (h hierarchy) enter(name string) error {
	cgroup := filepath.Join(h.path, name)
	if err := os.Mkdir(cgroup, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// A new cpuset of version 1 has no processors, and so takes no process.
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		inherited, err := os.ReadFile(filepath.Join(h.path, file))
		if errors.Is(err, fs.ErrNotExist) || h.unified {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(cgroup, file), inherited, 0); err != nil {
			return err
		}
	}
	return join(cgroup)
}

// delegate lets cgroups below this root, of version 2, have controllers: for that no
// process may be in the root itself.
func (h hierarchy) delegate() error {
	leaf := filepath.Join(h.path, "sandbox")
	if err := os.Mkdir(leaf, 0o755); err != nil {
		return err
	}
	if err := join(leaf); err != nil {
		return err
	}
	controllers, err := os.ReadFile(filepath.Join(h.path, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for controller := range strings.FieldsSeq(string(controllers)) {
		// One that cannot be had is one that runc does without, or says so.
		_ = os.WriteFile(filepath.Join(h.path, "cgroup.subtree_control"), []byte("+"+controller), 0)
	}
	return nil
}

func join(cgroup string) error {
	return os.WriteFile(filepath.Join(cgroup, "cgroup.procs"), []byte("0"), 0)
}
