package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"akv-injector/internal/testing/await"
)

// running is a process of the sandbox.
type running struct {
	pid, parent int
	program     string // path of its file
}

// processes are those of the sandbox, the oldest first as far as numbers tell.
func processes() ([]running, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []running
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// One that has ended since, or that the kernel runs, has no program.
		program, err := os.Readlink(filepath.Join("/proc", entry.Name(), "exe"))
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue
		}
		// "pid (name) state parent …", and a name may have spaces and parentheses.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) < 2 {
			return nil, fmt.Errorf("/proc/%d/stat reads %q", pid, stat)
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		found = append(found, running{pid, parent, program})
	}
	slices.SortFunc(found, func(a, b running) int { return a.pid - b.pid })
	return found, nil
}

// ContainerRoot is a folder with the files of a container as it sees them, mounts
// included, which can be read without a kubelet. The id is that of the pod's status.
func (n *Node) ContainerRoot(id string) (string, error) {
	pid, err := n.ContainerPid(id)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/proc/%d/root", pid), nil
}

// ContainerPid is the number of a container's first process. The id is that of the pod's status.
func (n *Node) ContainerPid(id string) (int, error) {
	_, id, _ = strings.Cut(id, "://")
	if id == "" {
		return 0, errors.New("process of a container: the pod's status has no id of it")
	}
	all, err := processes()
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		cgroups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.pid))
		// Not of what it starts, which may be gone in a moment.
		if err == nil && strings.Contains(string(cgroups), "/"+id) && isInit(p.pid) {
			return p.pid, nil
		}
	}
	return 0, fmt.Errorf("no process of the container %s runs", id)
}

// isInit reports whether a process is the first of its container.
func isInit(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false // it has just ended
	}
	for line := range strings.Lines(string(status)) {
		// Its ids, from our own namespace to the innermost.
		if ids, ok := strings.CutPrefix(line, "NSpid:"); ok {
			all := strings.Fields(ids)
			return len(all) > 1 && all[len(all)-1] == "1"
		}
	}
	return false
}

// killContainers kills every container and what watches over it, and waits until the
// last of them is gone.
func (n *Node) killContainers() error {
	all, err := processes()
	if err != nil {
		return err
	}
	var doomed []int
	for _, p := range all {
		if p.program != n.programs["containerd-shim-runc-v2"] {
			continue
		}
		// First, so that it cannot clean up: no power cut lets it.
		doomed = append([]int{p.pid}, doomed...)
		for _, child := range all {
			// A container's first process takes the others with it.
			if child.parent == p.pid {
				doomed = append(doomed, child.pid)
			}
		}
	}
	for _, pid := range doomed {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill process %d: %w", pid, err)
		}
	}
	return await.Poll{Limit: stopGrace, Every: 10 * time.Millisecond}.Retry("the containers' end", func() error {
		doomed = slices.DeleteFunc(doomed, func(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
		if len(doomed) > 0 {
			return fmt.Errorf("processes %v", doomed)
		}
		return nil
	})
}
