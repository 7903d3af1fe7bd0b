package build

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// Tool gives the path of a tool that tools/go.mod pins, such as helm, building it if need be; log (nil: nowhere) hears of that.
func Tool(ctx context.Context, log io.Writer, name string) (string, error) {
	root, err := productRoot()
	if err != nil {
		return "", err
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(root, "hack", "tool"), name)
	cmd.Stdout, cmd.Stderr = &out, &said
	if log != nil {
		cmd.Stderr = io.MultiWriter(log, &said)
	}
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("the tool %s: %w\n%s", name, err, &said)
	}
	return strings.TrimSpace(out.String()), nil
}
