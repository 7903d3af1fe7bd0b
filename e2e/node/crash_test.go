package node_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/images"
	"akv-injector/e2e/sandbox"
	"akv-injector/internal/testing/await"
)

// TestCrash: after a power cut the pod is the same one, with another container, and what
// the first one had written into itself is lost.
func TestCrash(t *testing.T) {
	sandbox.Require(t)
	c := start(t)
	c.must(t, "run", "one", "--image="+images.Shell, "--", "sleep", "1000000")
	c.must(t, "wait", "pod/one", "--for=condition=Ready", "--timeout=90s")
	c.must(t, "exec", "one", "--", "touch", "/tmp/written")
	uid := c.must(t, "get", "pod", "one", "-o", "jsonpath={.metadata.uid}")
	id := c.must(t, "get", "pod", "one", "-o", "jsonpath={.status.containerStatuses[0].containerID}")
	root, err := c.node.ContainerRoot(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root + "/tmp/written"); err != nil {
		t.Error(err)
	}

	if err := c.node.Crash(); err != nil {
		t.Fatal(err)
	}
	if root, err := c.node.ContainerRoot(id); err == nil {
		t.Errorf("the container runs after the crash: %s", root)
	}
	if err := c.node.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Until the kubelet has looked, the pod's status is that of before.
	poll := await.Poll{Limit: 90 * time.Second, Every: 200 * time.Millisecond}
	poll.Require(t, "the container to be started again", func(ctx context.Context) (bool, string) {
		got, err := c.kubectl(ctx, "", "get", "pod", "one", "-o",
			"jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}")
		return err == nil && got == "1 true", fmt.Sprint(got, err)
	})
	if got := c.must(t, "get", "pod", "one", "-o", "jsonpath={.metadata.uid}"); got != uid {
		t.Errorf("another pod, %s, is in the place of %s", got, uid)
	}
	if got := c.must(t, "exec", "one", "--", "ls", "/tmp"); got != "" {
		t.Errorf("the new container has %q, want an empty /tmp", got)
	}
	// Neither at its first start nor after the crash did it have to share its folder itself.
	log, err := os.ReadFile(filepath.Join(filepath.Dir(c.node.KubeletRoot), "logs", "kubelet.log"))
	if err != nil {
		t.Fatal(err)
	}
	if starts := strings.Count(string(log), "Started kubelet"); starts != 2 || strings.Contains(string(log), "Bind-mounting") {
		t.Errorf("the kubelet started %d times, want 2, and shared its folder: %t", starts, strings.Contains(string(log), "Bind-mounting"))
	}
}
