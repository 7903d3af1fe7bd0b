package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	generatedClass = "akv-payments-kv-"
)

// story is the demo, step by step.
func story(ctx context.Context, s *show) error {
	for _, step := range []func(context.Context, *show) error{
		optIn, podGoesIn, deployment, preview, refusals, class,
	} {
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

// podGoesIn compares the stored pod with what the API server makes of it where nobody
// has opted in.
func podGoesIn(ctx context.Context, s *show) error {
	s.title("A pod that names its vault objects goes in; this is what akv-injector adds")
	if _, err := s.quietly(ctx, "create", "namespace", "elsewhere"); err != nil {
		return err
	}
	show := []string{"-o", "yaml", "--show-managed-fields=false"}
	before, err := s.quietly(ctx, append([]string{"create", "-n", "elsewhere", "--dry-run=server", "-f", "pod.yaml"}, show...)...)
	if err != nil {
		return fmt.Errorf("the pod without akv-injector: %w: %s", err, before)
	}
	if _, err := s.kubectl(ctx, "create", "-n", "shop", "-f", "pod.yaml"); err != nil {
		return err
	}
	after, err := s.quietly(ctx, append([]string{"get", "pod", "-n", "shop", "web"}, show...)...)
	if err != nil {
		return err
	}
	diff, err := s.diff(comparable(before), comparable(after))
	if err != nil {
		return err
	}
	return want(diff,
		"+    azure.workload.identity/use: \"true\"",
		"+    - mountPath: /mnt/secrets-store",
		"+      value: /mnt/secrets-store/DB-Password",
		"+        rotationPollInterval: 2m",
		"+        secretProviderClass: "+generatedClass,
		"+  serviceAccountName: workload-identity-sa")
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
	columns := "custom-columns=POD:.metadata.name,ACCOUNT:.spec.serviceAccountName,CLASSES:.spec.volumes[*].csi.volumeAttributes.secretProviderClass"
	get := []string{"get", "pods", "-n", "shop", "-l", "app=api,azure.keyvault.injector/injected=true", "-o", columns}
	output := ""
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		var err error
		output, err = s.quietly(ctx, get...)
		return strings.Count(output, "workload-identity-sa") == 2, err
	})
	s.print(get, output)
	if err != nil {
		events, _ := s.quietly(ctx, "get", "events", "-n", "shop")
		return fmt.Errorf("no two injected pods of the Deployment: %w\n%s", err, events)
	}
	return want(output, generatedClass, "akv-shared-kv-")
}

func preview(ctx context.Context, s *show) error {
	s.title("A dry run previews the pod exactly, and writes nothing")
	count := func() (string, error) {
		return s.quietly(ctx, "get", "secretproviderclasses", "-n", "preview", "-o", "name")
	}
	for _, args := range [][]string{
		{"create", "namespace", "preview"},
		{"apply", "-n", "preview", "-f", "serviceaccount.yaml"},
		{"label", "namespace", "preview", "azure.keyvault.injector/injection=enabled"},
	} {
		if output, err := s.quietly(ctx, args...); err != nil {
			return fmt.Errorf("%w: %s", err, output)
		}
	}
	output, err := s.kubectl(ctx, "apply", "-n", "preview", "-f", "pod.yaml", "--dry-run=server",
		"-o", `jsonpath={.spec.volumes[?(@.csi)]}{"\n"}{.spec.containers[0].volumeMounts[?(@.name=="akv-payments-kv")]}{"\n"}`)
	if err != nil {
		return err
	}
	if err := want(output, generatedClass, "/mnt/secrets-store"); err != nil {
		return err
	}
	classes, err := count()
	if err != nil {
		return err
	}
	if strings.TrimSpace(classes) != "" {
		return fmt.Errorf("the dry run wrote %s", classes)
	}
	fmt.Fprintln(s.out, "   (no SecretProviderClass was written in the namespace preview)")
	return nil
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
	output, err := s.quietly(ctx, "get", "pod", "-n", "shop", "web",
		"-o", `jsonpath={.spec.volumes[?(@.name=="akv-payments-kv")].csi.volumeAttributes.secretProviderClass}`)
	if err != nil {
		return err
	}
	yaml, err := s.kubectl(ctx, "get", "secretproviderclass", "-n", "shop", strings.TrimSpace(output), "-o", "yaml")
	if err != nil {
		return err
	}
	return want(yaml, "keyvaultName: payments-kv", "objectName: DB-Password", "objectAlias: tls.pem",
		"clientID: 5d2f4c8e-0b1a-4c3d-9e6f-7a8b9c0d1e2f", `usePodIdentity: "false"`)
}
