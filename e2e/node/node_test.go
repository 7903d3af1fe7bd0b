package node_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"akv-injector/e2e/images"
	"akv-injector/e2e/sandbox"
)

// web is a Deployment of two pods that serve their own name, and say so at the start.
const web = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: IMAGE
          command: [sh, -c, "hostname > /tmp/index.html; echo $(hostname) serves; exec httpd -f -p 8080 -h /tmp"]
          readinessProbe: {httpGet: {path: /index.html, port: 8080}, periodSeconds: 1}
`

// TestNode: what kubectl shows of a Deployment is so. Its containers run on the node,
// kubectl exec and kubectl logs reach them, and they reach each other.
func TestNode(t *testing.T) {
	sandbox.Require(t)
	c := start(t)
	if _, err := c.kubectl(t.Context(), strings.ReplaceAll(web, "IMAGE", images.Shell), "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	c.must(t, "rollout", "status", "deployment/web", "--timeout=90s")

	pods := strings.Fields(c.must(t, "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}"))
	addresses := strings.Fields(c.must(t, "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.podIP}"))
	if len(pods) != 2 || len(addresses) != 2 || addresses[0] == addresses[1] {
		t.Fatalf("pods %q have the addresses %q, want two of each", pods, addresses)
	}
	for i, pod := range pods {
		if got := c.must(t, "logs", pod); got != pod+" serves" {
			t.Errorf("kubectl logs %s says %q", pod, got)
		}
		other := 1 - i
		if got := c.must(t, "exec", pod, "--", "wget", "-q", "-O-", "http://"+addresses[other]+":8080/index.html"); got != pods[other] {
			t.Errorf("%s reads %q at the address of %s", pod, got, pods[other])
		}
	}
	if got, err := c.kubectl(t.Context(), "typed", "exec", "-i", pods[0], "--", "cat"); err != nil || got != "typed" {
		t.Errorf("kubectl exec -i cat gives %q back, %v", got, err)
	}
	_, err := c.kubectl(t.Context(), "", "exec", pods[0], "--", "sh", "-c", "exit 7")
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		t.Errorf("a command in the container ends with 7, kubectl exec with %v", err)
	}
}
