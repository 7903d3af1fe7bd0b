package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	spdxjson "github.com/spdx/tools-golang/json"
)

const version = "v1.2.3-test"

// make makes a release for this machine alone.
func makeRelease(t *testing.T, args ...string) string {
	t.Helper()
	out := t.TempDir()
	args = append([]string{"-root", "../..", "-version", version, "-out", out, "-platforms", "linux/" + runtime.GOARCH}, args...)
	if err := run(t.Context(), args, t.Output()); err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, parts ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// files are the files of an image.
func files(t *testing.T, archive string) map[string][]byte {
	t.Helper()
	image, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{"/akv-injector"}) || config.Architecture != runtime.GOARCH {
		t.Errorf("the image's configuration is %+v", config)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for reader := tar.NewReader(content); ; {
			header, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if header.Uid != 0 || header.Gid != 0 || header.ModTime.Unix() != 0 || header.Mode&0o022 != 0 {
				t.Errorf("%s has the mode %o, the owner %d:%d and the time %s", header.Name, header.Mode, header.Uid, header.Gid, header.ModTime)
			}
			if header.Typeflag == tar.TypeReg {
				if found[header.Name], err = io.ReadAll(reader); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return found
}

// TestImage: what is in it, that it runs, and that a registry has it under the digest that is said.
func TestImage(t *testing.T) {
	out := makeRelease(t, "-only", "images")
	content := files(t, filepath.Join(out, "akv-injector-image-linux-"+runtime.GOARCH+".tar"))
	if len(content) != 6 {
		t.Errorf("the image has %d files, want 6", len(content))
	}
	trusted := x509.NewCertPool()
	var names []string
	for rest := content["etc/ssl/certs/ca-certificates.crt"]; ; {
		block, more := pem.Decode(rest)
		if block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		trusted.AddCert(certificate)
		names = append(names, certificate.Subject.CommonName)
		rest = more
	}
	// What Azure's services have their certificates from.
	for _, root := range []string{"DigiCert Global Root G2", "DigiCert Global Root G3", "Microsoft RSA Root Certificate Authority 2017", "Microsoft ECC Root Certificate Authority 2017"} {
		if !slices.Contains(names, root) {
			t.Errorf("%s is not trusted, of %d", root, len(names))
		}
	}
	notices := string(content["licenses/THIRD-PARTY"])
	for _, part := range []string{"Go's standard library", "sigs.k8s.io/controller-runtime v", "MIT License", "Apache License"} {
		if !strings.Contains(notices, part) {
			t.Errorf("the notices have no %q", part)
		}
	}
	bill, err := spdxjson.Read(bytes.NewReader(read(t, out, "akv-injector_linux_"+runtime.GOARCH+".spdx.json")))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content["akv-injector"])
	if got := bill.Packages[0].PackageChecksums[0].Value; got != hex.EncodeToString(sum[:]) {
		t.Errorf("the bill is of a program with the checksum %s, and the image's has another", got)
	}
	seen := map[string]bool{}
	for _, p := range bill.Packages {
		if id := string(p.PackageSPDXIdentifier); seen[id] || p.PackageLicenseConcluded == "" {
			t.Errorf("%s is there twice, or without a license", id)
		} else {
			seen[id] = true
		}
		if p != bill.Packages[0] && p.PackageName != "std" && !strings.Contains(notices, "\n"+p.PackageName+" "+p.PackageVersion+": ") {
			t.Errorf("no notice of %s %s", p.PackageName, p.PackageVersion)
		}
	}
	if len(bill.Packages) < 30 || len(bill.Relationships) != len(bill.Packages) {
		t.Errorf("the bill has %d packages and %d relationships", len(bill.Packages), len(bill.Relationships))
	}

	server := httptest.NewServer(registry.New())
	defer server.Close()
	repo := strings.TrimPrefix(server.URL, "http://") + "/team/akv-injector"
	if err := run(t.Context(), []string{"-version", version, "-out", out, "-repo", repo, "-push"}, t.Output()); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(repo + ":" + version)
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(pushed); err != nil {
		t.Error(err)
	}
	if digest, err := pushed.Digest(); err != nil || digest.String()+"\n" != string(read(t, out, digestFile)) {
		t.Errorf("the registry has %s (%v), and the release says %s", digest, err, read(t, out, digestFile))
	}
	// Files that do not belong together are not pushed.
	if err := os.WriteFile(filepath.Join(out, digestFile), []byte("sha256:"+strings.Repeat("0", 64)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-version", version, "-out", out, "-repo", repo, "-push"}, t.Output()); err == nil {
		t.Error("images of another digest were pushed")
	}
}

// TestSums: the file of checksums names every other file.
func TestSums(t *testing.T) {
	out := t.TempDir()
	for _, name := range []string{"b", "a"} {
		if err := os.WriteFile(filepath.Join(out, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := &release{out: out, log: t.Output()}
	for range 2 {
		if err := r.makeSums(); err != nil {
			t.Fatal(err)
		}
	}
	const want = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a\n3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  b\n"
	if got := string(read(t, out, sumsFile)); got != want {
		t.Errorf("the sums are\n%s", got)
	}
}

func TestArguments(t *testing.T) {
	for _, wrong := range [][]string{
		{},
		{"-version", "1.2.3"},
		{"-version", "v1"},
		{"-version", "v1.2.3", "-only", "everything"},
		{"-version", "v1.2.3", "-platforms", "plan9/mips"},
		{"-version", "v1.2.3", "-repo", "registry.example/akv-injector:v1"},
		{"-version", "v1.2.3", "-repo", "akv-injector"},
		{"-version", "v1.2.3", "-repo", "https://registry.example/akv"},
		{"-version", "v1.2.3", "-url", "http://example.test"},
		{"-version", "v1.2.3", "-url", "https://example.test/?a=b"},
		{"-version", "v1.2.3", "more"},
		{"-version", "v1.2.3", "-push"},
	} {
		if err := run(context.Background(), append(wrong, "-out", t.TempDir()), t.Output()); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// A module without a license stops a release, and so does one whose license nobody knows.
func TestLicenses(t *testing.T) {
	folder := t.TempDir()
	if _, err := licensed(module{path: "example.test/none"}, folder); err == nil {
		t.Error("a module without a license was taken")
	}
	if err := os.WriteFile(filepath.Join(folder, "LICENSE"), []byte("Ask me."), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := licensed(module{path: "example.test/unknown"}, folder); err == nil {
		t.Error("a license that nobody knows was taken")
	}
	if err := os.WriteFile(filepath.Join(folder, "LICENSE"), read(t, "..", "..", "LICENSE"), 0o644); err != nil {
		t.Fatal(err)
	}
	if m, err := licensed(module{path: "example.test/known"}, folder); err != nil || m.license != "Apache-2.0" || len(m.texts) != 1 {
		t.Errorf("our own license is %q, %v", m.license, err)
	}
}
