package rotation_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/build"
	"akv-injector/e2e/system"
)

// published is the form that articles show most often, with its indentation: the elements of objects are maps, where the
// provider wants strings, so that the pods never start.
const published = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {account}
  namespace: {namespace}
  annotations:
    azure.workload.identity/client-id: {client}
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: azure-kvname-wi
  namespace: {namespace}
spec:
  provider: azure
  parameters:
    keyvaultName: {vault}
    tenantId: {tenant}
    clientID: {client}
    objects: |
      array:
        - objectName: DB-Password
          objectType: secret
          objectVersion: ""
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: busybox-secrets
  namespace: {namespace}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: busybox-secrets
  template:
    metadata:
      labels:
        app: busybox-secrets
        azure.workload.identity/use: "true"
    spec:
      serviceAccountName: {account}
      terminationGracePeriodSeconds: 0
      containers:
        - name: busybox
          image: {image}
          imagePullPolicy: Never
          command: {command}
          volumeMounts:
            - name: secrets-store
              mountPath: /mnt/secrets-store
              readOnly: true
      volumes:
        - name: secrets-store
          csi:
            driver: secrets-store.csi.k8s.io
            readOnly: true
            volumeAttributes:
              secretProviderClass: azure-kvname-wi
`

// blog: lint says the one thing that is wrong with what articles publish, convert heals it, preview shows the pod, and what
// comes out rotates.
func blog(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "blog")
	_, err := tenant.SetSecret("DB-Password", "old value")
	check(t, err)
	sleeper := system.Sleeper("busybox")
	command, err := json.Marshal(append(append([]string{}, sleeper.Command...), sleeper.Args...))
	check(t, err)
	text := strings.NewReplacer(
		"{account}", system.Account, "{namespace}", tenant.Namespace, "{client}", tenant.ClientID, "{vault}", tenant.Vault,
		"{tenant}", s.Azure.TenantID(), "{image}", sleeper.Image, "{command}", string(command),
	).Replace(published)

	program, err := build.Product(t.Context(), s.Options.Log, "./cmd/kubectl-akv")
	check(t, err)
	plugin := func(code int, input string, args ...string) ran {
		t.Helper()
		var stdout, stderr strings.Builder
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
		err := cmd.Run()
		r := ran{stdout.String(), stderr.String(), 0}
		if exit := (&exec.ExitError{}); errors.As(err, &exit) {
			r.code = exit.ExitCode()
		} else {
			check(t, err)
		}
		if r.code != code {
			t.Fatalf("%q: exit code %d, want %d\n%s%s", args, r.code, code, r.stdout, r.stderr)
		}
		return r
	}
	var findings []struct{ Rule, Severity, Field string }
	check(t, json.Unmarshal([]byte(plugin(1, text, "lint", "-f", "-", "-o", "json").stdout), &findings))
	if len(findings) != 1 || findings[0].Rule != "AKV008" || findings[0].Severity != "error" || findings[0].Field != "spec.parameters.objects[0]" {
		t.Errorf("lint says %+v", findings)
	}
	converted := plugin(0, text, "convert", "-f", "-").stdout
	if strings.Contains(converted, "SecretProviderClass") {
		t.Errorf("the class is still there:\n%s", converted)
	}
	if shown := plugin(0, converted, "preview", "-f", "-").stdout; !strings.Contains(shown, "/mnt/secrets-store/DB-Password = secret/DB-Password") {
		t.Errorf("preview shows\n%s", shown)
	}

	apply := tenant.KubectlCommand(t.Context(), "apply", "-f", "-")
	apply.Stdin = strings.NewReader(converted)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pods, err := tenant.AwaitPods(t.Context(), 1, client.MatchingLabels{"app": "busybox-secrets"})
	check(t, err)
	const file = system.Mounted + "/DB-Password"
	check(t, tenant.AwaitFile(t.Context(), pods[0].Name, "busybox", file, "old value"))
	_, err = tenant.SetSecret("DB-Password", "new value")
	check(t, err)
	check(t, tenant.AwaitFile(t.Context(), pods[0].Name, "busybox", file, "new value"))
	var after corev1.Pod
	check(t, s.API.Get(t.Context(), client.ObjectKeyFromObject(&pods[0]), &after))
	if !sameContainer(&pods[0], &after) {
		t.Error("the container is another one than before")
	}
}
