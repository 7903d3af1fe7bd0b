package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"akv-injector/e2e/system"
	"akv-injector/internal/testing/await"
)

const generatedClass = "akv-payments-kv-"

// look is the pause between two looks at what is awaited.
const look = 200 * time.Millisecond

// step is a step of a demo.
type step = func(context.Context, *show) error

// common are the steps that need no node.
var common = []step{difference, deployment, refusals, class}

// story runs a demo, step by step.
func story(ctx context.Context, s *show, steps []step) error {
	for _, step := range steps {
		if err := step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func optIn(ctx context.Context, s *show) error {
	s.title("A namespace opts in, and has the service account whose identity reads the vault")
	for _, args := range [][]string{
		{"create", "namespace", "shop"},
		{"apply", "-n", "shop", "-f", "serviceaccount.yaml"},
		{"label", "namespace", "shop", "azure.keyvault.injector/injection=enabled"},
	} {
		if _, err := s.kubectl(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// difference compares what a dry run gives with what the API server makes of the same pod
// where nobody has opted in.
func difference(ctx context.Context, s *show) error {
	s.title("A pod names its vault objects in annotations; a dry run shows what akv-injector adds, and writes nothing")
	if _, err := s.quietly(ctx, "create", "namespace", "elsewhere"); err != nil {
		return err
	}
	command := func(namespace string) []string {
		return []string{"create", "-n", namespace, "--dry-run=server", "-f", "pod.yaml", "-o", "yaml", "--show-managed-fields=false"}
	}
	before, err := s.quietly(ctx, command("elsewhere")...)
	if err != nil {
		return fmt.Errorf("the pod without akv-injector: %w: %s", err, before)
	}
	after, err := s.quietly(ctx, command("shop")...)
	s.print(command("shop"), "")
	if err != nil {
		return fmt.Errorf("the pod with akv-injector: %w: %s", err, after)
	}
	diff, err := s.diff(comparable(before), comparable(after))
	if err != nil {
		return err
	}
	if err := want(diff,
		"+    azure.workload.identity/use: \"true\"",
		"+    - mountPath: /mnt/secrets-store",
		"+      value: /mnt/secrets-store/DB-Password",
		"+        rotationPollInterval: 2m",
		"+        secretProviderClass: "+generatedClass,
		"+  serviceAccountName: workload-identity-sa"); err != nil {
		return err
	}
	classes, err := s.quietly(ctx, "get", "secretproviderclasses", "-n", "shop", "-o", "name")
	if err != nil {
		return err
	}
	if strings.TrimSpace(classes) != "" {
		return fmt.Errorf("the dry run wrote %s", classes)
	}
	return nil
}

// comparable leaves out what differs between any two pods.
func comparable(pod string) string {
	var kept []string
	for line := range strings.Lines(pod) {
		field, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch field {
		case "creationTimestamp", "resourceVersion", "uid", "namespace":
			continue
		}
		if i := strings.Index(line, "kube-api-access-"); i >= 0 {
			line = line[:i] + "kube-api-access-…\n"
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "")
}

func deployment(ctx context.Context, s *show) error {
	s.title("A Deployment's pods, made by the real controllers, are injected too; one more vault is one more line")
	if _, err := s.kubectl(ctx, "apply", "-n", "shop", "-f", "deployment.yaml"); err != nil {
		return err
	}
	columns := "custom-columns=POD:.metadata.name,PHASE:.status.phase,ACCOUNT:.spec.serviceAccountName,CLASSES:.spec.volumes[*].csi.volumeAttributes.secretProviderClass"
	get := []string{"get", "pods", "-n", "shop", "-l", "app=api,azure.keyvault.injector/injected=true", "-o", columns}
	phase := "Pending"
	if s.system != nil {
		phase = "Running"
	}
	output := ""
	var failure error
	poll := await.Poll{Limit: system.Patience, Every: look}
	err := poll.Until(ctx, "two injected pods of the Deployment", func(ctx context.Context) (bool, string) {
		output, failure = s.quietly(ctx, get...)
		return failure != nil || strings.Count(output, "workload-identity-sa") == 2 && strings.Count(output, phase) == 2, output
	})
	s.print(get, output)
	if err = cmp.Or(err, failure); err != nil {
		events, _ := s.quietly(ctx, "get", "events", "-n", "shop")
		return fmt.Errorf("no two injected pods of the Deployment: %w\n%s", err, events)
	}
	return want(output, generatedClass, "akv-shared-kv-")
}

func refusals(ctx context.Context, s *show) error {
	s.title("What would stop rotation is refused, with the field and the fix")
	if err := s.refused(ctx, []string{"AKV001", "spec.containers[0].volumeMounts[0].subPath", "Fix:"},
		"create", "-n", "shop", "-f", "subpath.yaml"); err != nil {
		return err
	}
	return s.refused(ctx, []string{"AKV004", "metadata.annotations[azure.keyvault.injector/objects]", "Fix:"},
		"create", "-n", "shop", "-f", "pinned.yaml")
}

func class(ctx context.Context, s *show) error {
	s.title("The SecretProviderClass behind it, named by its content: equal requests share one")
	output, err := s.quietly(ctx, "get", "pods", "-n", "shop", "-l", "app=api",
		"-o", `jsonpath={.items[0].spec.volumes[?(@.name=="akv-payments-kv")].csi.volumeAttributes.secretProviderClass}`)
	if err != nil {
		return err
	}
	yaml, err := s.kubectl(ctx, "get", "secretproviderclass", "-n", "shop", strings.TrimSpace(output), "-o", "yaml")
	if err != nil {
		return err
	}
	return want(yaml, "keyvaultName: payments-kv", "objectName: DB-Password", "objectAlias: api/token", "clientID: ", `usePodIdentity: "false"`)
}
