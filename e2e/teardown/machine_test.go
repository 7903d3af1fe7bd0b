package teardown_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// machine is what of a machine a node changes: each thing by a name.
type machine map[string]bool

// look takes down what there is now. Other programs may run meanwhile, other runs of these
// tests among them, so of processes and cgroups it is only what belongs to the runs whose
// folders are in a temporary folder of this test's own.
func look(t *testing.T, runs []string) machine {
	t.Helper()
	m := machine{}
	m.mounts(t)
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

func (m machine) mounts(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		m["mount on "+fields[4]] = true
	}
}

// processes finds every process of a run, and so its process and network namespaces too:
// they live as long as their processes, or as a mount that mounts finds. A run's processes
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
			}
		}
	}
}

// inCgroup says whether a process with these lines, "number:controllers:path", is in the
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
		if err != nil || !entry.IsDir() {
			return nil // one may go while we look
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
	interfaces, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		m["network interface "+i.Name()] = true
	}
}
