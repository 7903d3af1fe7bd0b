package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// installFile is the chart, rendered for one repository.
const installFile = "install.yaml"

var (
	chartVersion = regexp.MustCompile(`(?m)^version: .*$`)
	appVersion   = regexp.MustCompile(`(?m)^appVersion: .*$`)
)

// makeChart packs the chart, and renders it if it is known where the image will be. Helm's own package writes the time into the archive.
func (r *release) makeChart(ctx context.Context) error {
	number := strings.TrimPrefix(r.version, "v")
	folder := filepath.Join(r.root, "deploy", "chart")
	var entries []entry
	err := filepath.WalkDir(filepath.Join(folder, "akv-injector"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(folder, file)
		name := filepath.ToSlash(inside)
		if path.Base(name) == "Chart.yaml" {
			content = chartVersion.ReplaceAll(content, []byte("version: "+number))
			content = appVersion.ReplaceAll(content, []byte("appVersion: "+r.version))
		}
		entries = append(entries, entry{name, 0o644, content})
		return err
	})
	if err != nil {
		return err
	}
	license, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return err
	}
	packed, err := tarOf(append(entries, entry{"akv-injector/LICENSE", 0o644, license})...)
	if err != nil {
		return err
	}
	if packed, err = zipped(packed); err != nil {
		return err
	}
	archive := r.path("akv-injector-" + number + ".tgz")
	if err := os.WriteFile(archive, packed, 0o644); err != nil {
		return err
	}
	// What Helm says of it, it would say to whoever installs it.
	if _, err := output(exec.CommandContext(ctx, r.helm, "lint", "--strict", "--quiet", "--set", "image.repository=registry.example/akv-injector", archive)); err != nil {
		return err
	}
	r.say("%s", filepath.Base(archive))
	if r.repo == "" {
		r.say("no %s: it names the image by its digest, and with -repo (REPO=) it is known where that is", installFile)
		return nil
	}
	return r.render(ctx, archive)
}

// render writes install.yaml, which names the image by its digest.
func (r *release) render(ctx context.Context, archive string) error {
	digest, err := os.ReadFile(r.path(digestFile))
	if err != nil {
		return fmt.Errorf("the images are made first: %w", err)
	}
	rendered, err := output(exec.CommandContext(ctx, r.helm, "template", "akv-injector", archive, "--skip-tests", "--namespace", "akv-injector-system",
		"--set", "namespace.create=true", "--set", "image.repository="+r.repo, "--set", "image.digest="+strings.TrimSpace(string(digest))))
	if err != nil {
		return err
	}
	r.say("%s", installFile)
	return os.WriteFile(r.path(installFile), rendered, 0o644)
}
