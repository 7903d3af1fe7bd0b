package teardown_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// machine is what of a machine a node changes: each thing by a name.
type machine map[string]bool

// look takes down what there is now. What other programs do meanwhile is of no interest,
// so it is only what can be told to be a node's.
func look(t *testing.T) machine {
	t.Helper()
	m := machine{}
	m.mounts(t)
	m.namespaces(t)
	m.cgroups(t)
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

// namespaces finds every process that is in a process or network namespace other than
// this test's, and so those namespaces too: they live as long as their processes, or as a
// mount that mounts finds.
func (m machine) namespaces(t *testing.T) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"pid", "net", "mnt"} {
		own, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, process := range processes {
			// One that has just ended has no namespace.
			if its, err := os.Readlink(filepath.Join(process, "ns", kind)); err == nil && its != own {
				command, _ := os.ReadFile(filepath.Join(process, "comm"))
				m["process "+filepath.Base(process)+" "+strings.TrimSpace(string(command))+" in "+its] = true
			}
		}
	}
}

func (m machine) cgroups(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			m["cgroup "+path] = true
		}
		return nil // one may go while we look
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

// descendants counts the processes that a process has started, and theirs.
func descendants(t *testing.T, pid int) int {
	t.Helper()
	children := map[int][]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, stat := range stats {
		content, err := os.ReadFile(stat)
		if err != nil {
			continue
		}
		// "pid (name) state parent …", where the name may have anything in it.
		text := string(content)
		fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], child)
	}
	count := 0
	for queue := []int{pid}; len(queue) > 0; {
		next := children[queue[0]]
		count += len(next)
		queue = append(queue[1:], next...)
	}
	return count
}
