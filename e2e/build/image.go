package build

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// ImageVersion is the tag of the image that Image makes, and ImageName its name, which no registry can have.
const (
	ImageVersion = "v0.0.0-e2e"
	ImageName    = "registry.invalid/akv/injector"
)

// Image makes akv-injector's image for this machine from the working tree, as a release does; ImageArchive is where.
func Image(ctx context.Context, log io.Writer) error {
	archive, err := ImageArchive()
	if err != nil {
		return err
	}
	root, err := productRoot()
	if err != nil {
		return err
	}
	release, err := buildHere(ctx, log, filepath.Join(root, "tools", "release"), ".")
	if err != nil {
		return err
	}
	folder := filepath.Dir(archive)
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, folder+".lock", func() { report(log, "waiting for another run that makes the image\n") })
	if err != nil {
		return err
	}
	defer unlock()
	done := progress(log, 0, "making akv-injector's image")
	_, err = run(ctx, root, nil, release, "-root", root, "-out", folder, "-version", ImageVersion, "-name", ImageName,
		"-only", "images", "-platforms", "linux/"+runtime.GOARCH)
	done(err)
	return err
}

// ImageArchive is the path of what Image makes: an archive as `docker save` writes it.
func ImageArchive() (string, error) {
	root, err := productRoot()
	if err != nil {
		return "", err
	}
	dir, err := productDir(root, nil)
	return filepath.Join(dir, "image", fmt.Sprintf("akv-injector-image-linux-%s.tar", runtime.GOARCH)), err
}
