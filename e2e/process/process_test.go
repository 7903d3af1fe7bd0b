package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

func start(t *testing.T, script string) *process.Process {
	t.Helper()
	p, err := process.Start(process.Spec{
		Name: "shell", Path: "/bin/sh", Args: []string{"-c", script},
		Log: filepath.Join(t.TempDir(), "logs", "shell.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(0); err != nil {
			t.Error(err)
		}
	})
	return p
}

func alive(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestStopAsksFirst(t *testing.T) {
	p := start(t, "trap 'exit 0' TERM; while :; do sleep 0.01; done")
	if err := p.Stop(time.Minute); err != nil {
		t.Fatal(err)
	}
	if alive(p.Pid()) {
		t.Error("the program still runs")
	}
	if err := p.Stop(time.Minute); err != nil {
		t.Errorf("stopping twice: %v", err)
	}
}

func TestStopWithoutGraceDoesNotAsk(t *testing.T) {
	asked, ready := filepath.Join(t.TempDir(), "asked"), filepath.Join(t.TempDir(), "ready")
	p := start(t, "trap 'touch "+asked+"' TERM; touch "+ready+"; while :; do sleep 0.01; done")
	poll := await.Poll{Limit: 30 * time.Second, Every: time.Millisecond}
	poll.Require(t, "the program to be ready", func(context.Context) (bool, string) {
		_, err := os.Stat(ready)
		return err == nil, fmt.Sprint(err)
	})
	if err := p.Stop(0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(asked); err == nil || alive(p.Pid()) {
		t.Errorf("the program was asked to end, or still runs: %v", err)
	}
}

func TestStopKillsWhatDoesNotListen(t *testing.T) {
	p := start(t, "trap '' TERM; while :; do sleep 0.01; done")
	if err := p.Stop(50 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if alive(p.Pid()) {
		t.Error("the program still runs")
	}
}

func TestFailureHasTheEndOfTheLog(t *testing.T) {
	p := start(t, "seq 100; echo 'no such flag' >&2; exit 3")
	err := p.Failure()
	for _, want := range []string{"shell: ended unasked: exit status 3", "no such flag", "  100\n"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error has no %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "  5\n") {
		t.Errorf("error has the whole log:\n%v", err)
	}
}

func TestAwaitReadyEndsWithTheProgram(t *testing.T) {
	refuse := func(context.Context) error { return errors.New("connection refused") }
	for _, test := range []struct {
		script string
		limit  time.Duration
		want   string
	}{
		{"exit 3", time.Minute, "shell: ended unasked: exit status 3"},
		{"while :; do sleep 0.01; done", 50 * time.Millisecond, "shell: waiting for it to be ready: context deadline exceeded"},
	} {
		err := start(t, test.script).AwaitReady(t.Context(), await.Poll{Limit: test.limit}, refuse)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want %s", test.script, err, test.want)
		}
	}
}

// A test's process may be killed before any cleanup runs: the children go with it.
func TestChildrenEndWithTheirParent(t *testing.T) {
	if os.Getenv("PROCESS_TEST_PARENT") != "" {
		p := start(t, "while :; do sleep 0.01; done")
		if _, err := os.Stdout.WriteString(strconv.Itoa(p.Pid()) + "\n"); err != nil {
			t.Fatal(err)
		}
		select {} // until killed
	}
	parent := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	parent.Env = append(os.Environ(), "PROCESS_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 32)
	n, err := out.Read(buffer)
	if err := parent.Process.Kill(); err != nil {
		t.Error(err)
	}
	if parent.Wait() == nil {
		t.Error("the parent was not killed")
	}
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(buffer[:n])))
	if err != nil {
		t.Fatal(err)
	}
	poll := await.Poll{Limit: 10 * time.Second, Every: 10 * time.Millisecond}
	poll.Require(t, "the child to end with its parent", func(context.Context) (bool, string) {
		return !running(child), fmt.Sprintf("process %d runs", child)
	})
}

// running tells a process from its remains: an orphan's may stay where nobody reaps them.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}
