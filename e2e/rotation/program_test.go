package rotation_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/e2e/build"
	"akv-injector/e2e/images"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// readAgain is the program of docs/programs.md.
const readAgain = "./examples/programs/go"

// program: the example of a program that opens its secret's file anew serves the rotated one, in the same container.
func program(t *testing.T, s *system.System) {
	path, err := build.Product(t.Context(), nil, readAgain)
	check(t, err)
	archive := images.Image{Ref: "registry.invalid/akv/program:1", Path: filepath.Join(t.TempDir(), "program.tar")}
	check(t, images.Program(archive, path))
	check(t, s.Node.Import(t.Context(), archive.Path))
	tenant := newTenant(t, s, "program")
	_, err = tenant.SetSecret("DB-Password", "short")
	check(t, err)

	pod := tenant.Pod("web", "DB-Password")
	pod.Annotations[annotation.Env] = "DB_PASSWORD_FILE=DB-Password"
	pod.Spec.Containers = []corev1.Container{{Name: "web", Image: archive.Ref, ImagePullPolicy: corev1.PullNever}}
	running, err := tenant.Run(t.Context(), pod)
	check(t, err)
	// It tells the length alone: no secret is in an answer.
	serves := func(value string) {
		t.Helper()
		check(t, tenant.Await(t.Context(), tenant.Namespace, "the program to have the new value", func(ctx context.Context) (bool, string) {
			got, err := get(ctx, "http://"+running.Status.PodIP+":8080/length")
			return err == nil && got == fmt.Sprint(len(value)), fmt.Sprint(got, err)
		}))
	}
	serves("short")
	_, err = tenant.SetSecret("DB-Password", "a longer one")
	check(t, err)
	serves("a longer one")
	after, err := tenant.AwaitPod(t.Context(), pod.Name)
	check(t, err)
	if status := after.Status.ContainerStatuses[0]; status.RestartCount != 0 || status.ContainerID != running.Status.ContainerStatuses[0].ContainerID {
		t.Errorf("another container runs, after %d restarts", status.RestartCount)
	}
}

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	const most = 100
	content, err := io.ReadAll(io.LimitReader(answer.Body, most))
	return strings.TrimSpace(string(content)), err
}
