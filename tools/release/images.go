package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Files of a release.
const (
	layoutFile = "akv-injector-image.oci.tar"   // all platforms, as an OCI layout
	digestFile = "akv-injector-image.digest"    // of all platforms together: what a registry calls it
	imageFile  = "akv-injector-image-%s-%s.tar" // one platform, as `docker save` writes it
)

// makeImages makes the image of each platform, alone and all together.
func (r *release) makeImages(ctx context.Context) error {
	tag, err := name.NewTag(r.name + ":" + r.version)
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(v1.ImageIndex(empty.Index), types.OCIImageIndex)
	for _, p := range r.images {
		program, m, err := r.compile(ctx, "./cmd/akv-injector", p)
		if err != nil {
			return err
		}
		image, err := r.image(p, program, m)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
		file := fmt.Sprintf(imageFile, p.os, p.arch)
		if err := tarball.WriteToFile(r.path(file), tag, image); err != nil {
			return err
		}
		if err := r.writeBill(fmt.Sprintf("akv-injector_%s_%s.spdx.json", p.os, p.arch), "akv-injector", program, m); err != nil {
			return err
		}
		size, err := compressed(image)
		if err != nil {
			return err
		}
		r.say("%s: %.1f MB compressed", file, float64(size)/1e6)
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.path(digestFile), []byte(digest.String()+"\n"), 0o644); err != nil {
		return err
	}
	r.say("%s: %s", layoutFile, digest)
	return r.writeLayout(index, tag)
}

// compressed is how much of an image goes over the network.
func compressed(image v1.Image) (int64, error) {
	layers, err := image.Layers()
	if err != nil {
		return 0, err
	}
	var total int64
	for _, layer := range layers {
		size, err := layer.Size()
		if err != nil {
			return 0, err
		}
		total += size
	}
	return total, nil
}

// image has the program and nothing that it does not need: no shell, no C library, no package manager.
func (r *release) image(p platform, program []byte, m *made) (v1.Image, error) {
	license, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	// What seldom changes is a layer of its own.
	var layers []v1.Layer
	for _, entries := range [][]entry{
		{
			{"etc/group", 0o644, []byte("root:x:0:\nnonroot:x:65532:\n")},
			{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
			{"etc/ssl/certs/ca-certificates.crt", 0o644, roots()},
		},
		{
			{"akv-injector", 0o755, program},
			{"licenses/LICENSE", 0o644, license},
			{"licenses/THIRD-PARTY", 0o644, m.notices("akv-injector " + r.version)},
		},
	} {
		content, err := tarOf(entries...)
		if err != nil {
			return nil, err
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
			tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(9))
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.AppendLayers(image, layers...); err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, &v1.ConfigFile{
		OS: p.os, Architecture: p.arch, Created: v1.Time{Time: time.Unix(0, 0).UTC()},
		RootFS: rootFS(layers),
		Config: v1.Config{
			Entrypoint: []string{"/akv-injector"},
			// Numbers, since the kubelet cannot tell whether a name is root's (runAsNonRoot).
			User: "65532:65532",
			Env:  []string{"PATH=/"},
			Labels: map[string]string{
				"org.opencontainers.image.title":    "akv-injector",
				"org.opencontainers.image.version":  r.version,
				"org.opencontainers.image.source":   homepage,
				"org.opencontainers.image.licenses": "Apache-2.0",
			},
		},
	})
}

func rootFS(layers []v1.Layer) v1.RootFS {
	fs := v1.RootFS{Type: "layers"}
	for _, layer := range layers {
		// Of bytes in memory: it is computed already.
		id, err := layer.DiffID()
		if err != nil {
			panic(err)
		}
		fs.DiffIDs = append(fs.DiffIDs, id)
	}
	return fs
}

// writeLayout writes an image index as an OCI layout, in one file.
func (r *release) writeLayout(index v1.ImageIndex, tag name.Tag) error {
	folder, err := os.MkdirTemp("", "akv-layout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	err = path.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": r.version,
		"io.containerd.image.name":          tag.Name(),
	}))
	if err != nil {
		return err
	}
	var entries []entry
	err = filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(folder, file)
		entries = append(entries, entry{filepath.ToSlash(inside), 0o644, content})
		return err
	})
	if err != nil {
		return err
	}
	content, err := tarOf(entries...)
	if err != nil {
		return err
	}
	return os.WriteFile(r.path(layoutFile), content, 0o644)
}
