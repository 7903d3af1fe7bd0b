package images

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"time"
)

// image is what an image consists of.
type image struct {
	runs  config
	files []file
}

// config says how the image's program is run. The fields are those of Docker's
// and of the OCI's image format.
type config struct {
	User       string   `json:",omitempty"`
	Env        []string `json:",omitempty"`
	Entrypoint []string `json:",omitempty"`
	Cmd        []string `json:",omitempty"`
}

// file is a file of an image, root's own. A name that ends in a slash is a
// folder's; a folder comes before what is in it.
type file struct {
	name    string
	mode    int64
	content []byte
	link    string // of a symbolic link: where it leads
}

// epoch is when everything was made, for equal images have equal bytes.
var epoch = time.Unix(0, 0).UTC()

// writeArchive writes the image as the archive: a manifest that names the
// configuration and the one layer, each called by its checksum.
func writeArchive(to Image, img image) error {
	layer, err := tarOf(img.files)
	if err != nil {
		return err
	}
	type rootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	}
	configuration, err := json.Marshal(struct {
		Created      time.Time `json:"created"`
		Architecture string    `json:"architecture"`
		OS           string    `json:"os"`
		Config       config    `json:"config"`
		RootFS       rootFS    `json:"rootfs"`
	}{epoch, runtime.GOARCH, "linux", img.runs, rootFS{"layers", []string{"sha256:" + checksum(layer)}}})
	if err != nil {
		return err
	}
	configName, layerName := checksum(configuration)+".json", checksum(layer)+".tar"
	manifest, err := json.Marshal([]struct {
		Config           string
		RepoTags, Layers []string
	}{{configName, []string{to.Ref}, []string{layerName}}})
	if err != nil {
		return err
	}
	archive, err := tarOf([]file{
		{name: "manifest.json", mode: 0o644, content: manifest},
		{name: configName, mode: 0o644, content: configuration},
		{name: layerName, mode: 0o644, content: layer},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(to.Path, archive, 0o644)
}

func tarOf(files []file) ([]byte, error) {
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: epoch, Typeflag: tar.TypeReg}
		switch {
		case f.link != "":
			header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.link, 0o777
		case strings.HasSuffix(f.name, "/"):
			header.Typeflag = tar.TypeDir
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(f.content); err != nil {
			return nil, err
		}
	}
	// Closing writes the end.
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
