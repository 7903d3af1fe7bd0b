package teardown_test

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// machine is what of a machine a node changes: each thing by a name.
type machine map[string]bool

// look takes down what there is now. Other programs may run meanwhile, other runs of these
// tests among them, so of processes, mounts and cgroups it is only what belongs to the runs
// whose folders are in a temporary folder of this test's own.
func look(t *testing.T, runs []string) machine {
	t.Helper()
	m := machine{}
	m.mounts(t, runs)
	m.processes(t, runs)
	m.cgroups(t, runs)
	m.folders(t)
	return m
}

// since gives what was not there before.
func (m machine) since(before machine) []string {
	fresh := maps.Clone(m)
	for name := range before {
		delete(fresh, name)
	}
	return slices.Sorted(maps.Keys(fresh))
}

// mounts finds those that name a run's folder, or the folder that every run has for its
// temporary files: in here, outside of any sandbox, there are none of them.
func (m machine) mounts(t *testing.T, runs []string) {
	t.Helper()
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		for _, path := range append([]string{"/run/akv-e2e"}, runs...) {
			if strings.Contains(line, path) {
				m["mount "+strings.TrimSpace(line)] = true
			}
		}
	}
}

// processes finds every process of a run, and so its namespaces too, which live as long as
// their processes, and with them the run's mounts and interfaces. A run's processes
// are below its cgroup, whoever started them; its first has its folder in the environment.
func (m machine) processes(t *testing.T, runs []string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		// One that has just ended has neither.
		cgroups, _ := os.ReadFile(filepath.Join(process, "cgroup"))
		environment, _ := os.ReadFile(filepath.Join(process, "environ"))
		for _, run := range runs {
			if inCgroup(cgroups, run) || bytes.Contains(environment, []byte("="+run+"\x00")) {
				command, _ := os.ReadFile(filepath.Join(process, "comm"))
				m["process "+filepath.Base(process)+" "+strings.TrimSpace(string(command))+" of "+run] = true
				for _, kind := range []string{"pid", "mnt", "net", "cgroup"} {
					if namespace, err := os.Readlink(filepath.Join(process, "ns", kind)); err == nil {
						m["namespace "+namespace+" of "+run] = true
					}
				}
			}
		}
	}
}

// inCgroup reports whether a process with these lines, "number:controllers:path", is in the
// cgroup of a run or below.
func inCgroup(lines []byte, run string) bool {
	for line := range strings.Lines(string(lines)) {
		_, path, _ := strings.Cut(strings.TrimSpace(line), "/")
		if slices.Contains(strings.Split(path, "/"), filepath.Base(run)) {
			return true
		}
	}
	return false
}

func (m machine) cgroups(t *testing.T, runs []string) {
	t.Helper()
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENODEV):
			return nil // one may go while we look
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		}
		for _, run := range runs {
			if slices.Contains(strings.Split(path, "/"), filepath.Base(run)) {
				m["cgroup "+path] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// folders are those that kubelet, containerd, runc and CNI plugins use unless told otherwise.
func (m machine) folders(t *testing.T) {
	t.Helper()
	for _, path := range []string{
		"/run/containerd", "/run/runc", "/run/netns", "/run/cni", "/run/flannel", "/var/run/netns", "/var/lib/cni",
		"/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/etc/cni", "/opt/cni",
	} {
		if _, err := os.Stat(path); err == nil {
			m["folder "+path] = true
		}
	}
}
