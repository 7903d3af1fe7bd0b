package injector

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"akv-injector/e2e/build"
)

// Chart renders the Helm chart with values, which are YAML.
func Chart(ctx context.Context, values string) ([]*unstructured.Unstructured, error) {
	root, err := build.Root()
	if err != nil {
		return nil, err
	}
	helm, err := build.Tool(ctx, nil, "helm")
	if err != nil {
		return nil, err
	}
	render := exec.CommandContext(ctx, helm, "template", "akv-injector",
		filepath.Join(root, "deploy", "chart", "akv-injector"), "--skip-tests", "--namespace", Namespace, "--set", "image.repository="+build.ImageName, "--values", "-")
	render.Stdin = strings.NewReader(values)
	content, err := output(render)
	if err != nil {
		return nil, err
	}
	return Decode(content)
}

func output(command *exec.Cmd) ([]byte, error) {
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", command, err, &complaint)
	}
	return out.Bytes(), nil
}
