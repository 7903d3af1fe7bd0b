package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"akv-injector/internal/text"
)

// Chart is a Helm chart to render.
type Chart struct {
	Path      string
	Values    []string
	Namespace string
}

// helmPatience is how long helm may take.
const helmPatience = 2 * time.Minute

// Helm renders a chart with the helm that is on PATH. It runs only if the user asked for it, and fetches nothing:
// the chart is a folder or a file.
func (c Chart) Helm(ctx context.Context) ([]byte, error) {
	if _, err := os.Stat(c.Path); err != nil {
		return nil, fmt.Errorf("%s: no chart is there; charts of repositories are not fetched", c.Path)
	}
	helm, err := exec.LookPath("helm")
	if err != nil {
		return nil, fmt.Errorf("%s: helm is not on PATH; where it is, run: %s | kubectl akv lint -f -", c.Path,
			text.Command("helm template {chart}", text.Values{"chart": c.Path}))
	}
	ctx, cancel := context.WithTimeout(ctx, helmPatience)
	defer cancel()
	args := []string{"template", "release", local(c.Path), "--namespace", c.Namespace}
	for _, file := range c.Values {
		args = append(args, "--values", local(file))
	}
	cmd := exec.CommandContext(ctx, helm, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		message := oneLine(strings.TrimPrefix(stderr.String(), "Error: "))
		if message == "" {
			message = err.Error()
		}
		return nil, errors.New(c.Path + ": helm: " + text.Line(message, 500))
	}
	return out, nil
}

// local makes a path one that helm takes for no option and no repository's chart.
func local(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return "." + string(filepath.Separator) + filepath.Clean(path)
}
