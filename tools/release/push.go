package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// push pushes the images of a release that was made, all platforms under one tag, as whoever is logged in by `docker login`, `az acr login` or
// their like. What is pushed has the digest that the release says, or is not pushed.
func (r *release) push(ctx context.Context, transport http.RoundTripper) error {
	if r.repo == "" {
		return errors.New("-repo is missing: where to?")
	}
	tag, err := name.NewTag(r.repo + ":" + r.version)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "akv-layout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := unpack(r.path(layoutFile), folder); err != nil {
		return fmt.Errorf("%s, which release makes: %w", layoutFile, err)
	}
	outer, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return err
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		return err
	}
	if len(manifest.Manifests) != 1 {
		return fmt.Errorf("%s has %d images, want the one of a release", layoutFile, len(manifest.Manifests))
	}
	said, err := os.ReadFile(r.path(digestFile))
	if err != nil {
		return err
	}
	digest := manifest.Manifests[0].Digest
	if digest.String() != strings.TrimSpace(string(said)) {
		return fmt.Errorf("%s has %s, and %s says %s", layoutFile, digest, digestFile, strings.TrimSpace(string(said)))
	}
	index, err := outer.ImageIndex(digest)
	if err != nil {
		return err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if transport != nil {
		options = append(options, remote.WithTransport(transport))
	}
	if err := remote.WriteIndex(tag, index, options...); err != nil {
		return err
	}
	r.say("pushed %s@%s", tag, digest)
	return nil
}

// unpack writes the files of an archive of ours into a folder.
func unpack(archive, folder string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	reader := tar.NewReader(file)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("%q leads out of the folder", header.Name)
		}
		path := filepath.Join(folder, header.Name)
		if header.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				return err
			}
			continue
		}
		if err := write(path, reader); err != nil {
			return err
		}
	}
}

func write(path string, from io.Reader) error {
	to, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}
