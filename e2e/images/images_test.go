package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/internal/testing/await"
)

// entry is what an archive says about a file.
type entry struct {
	tar.Header
	content []byte
}

func entries(t *testing.T, archive []byte) map[string]entry {
	t.Helper()
	found := map[string]entry{}
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.Equal(epoch) || header.Uid != 0 || header.Gid != 0 {
			t.Errorf("%s is of %s and %d:%d", header.Name, header.ModTime, header.Uid, header.Gid)
		}
		found[header.Name] = entry{*header, content}
	}
}

// open gives the configuration and the layer's files of an image in an archive.
func open(t *testing.T, img Image) (configuration map[string]any, layer map[string]entry) {
	t.Helper()
	archive, err := os.ReadFile(img.Path)
	if err != nil {
		t.Fatal(err)
	}
	files := entries(t, archive)
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"].content, &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest) != 1 || len(manifest[0].Layers) != 1 || !slices.Equal(manifest[0].RepoTags, []string{img.Ref}) {
		t.Fatalf("manifest of %s is %+v", img.Ref, manifest)
	}
	if err := json.Unmarshal(files[manifest[0].Config].content, &configuration); err != nil {
		t.Fatal(err)
	}
	content := files[manifest[0].Layers[0]].content
	rootFS, err := json.Marshal(configuration["rootfs"])
	if want := `{"diff_ids":["sha256:` + checksum(content) + `"],"type":"layers"}`; err != nil || string(rootFS) != want {
		t.Errorf("rootfs of %s is %s, %v; want %s", img.Ref, rootFS, err, want)
	}
	if configuration["os"] != "linux" || configuration["architecture"] != runtime.GOARCH {
		t.Errorf("%s is for %v/%v", img.Ref, configuration["os"], configuration["architecture"])
	}
	return configuration, entries(t, content)
}

func TestArchive(t *testing.T) {
	img := image{
		runs:  config{Env: []string{"PATH=/bin"}, Cmd: []string{"/bin/sh"}},
		files: shellFiles([]byte("the program"), []string{"busybox", "cat", "sh"}),
	}
	path := filepath.Join(t.TempDir(), "shell.tar")
	var before []byte
	for range 2 {
		if err := writeArchive(Image{Shell, path}, img); err != nil {
			t.Fatal(err)
		}
		archive, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(archive, before) {
			t.Error("written again, the archive is another")
		}
		before = archive
	}

	configuration, layer := open(t, Image{Shell, path})
	runs, err := json.Marshal(configuration["config"])
	if want := `{"Cmd":["/bin/sh"],"Env":["PATH=/bin"]}`; err != nil || string(runs) != want {
		t.Errorf("config is %s, %v; want %s", runs, err, want)
	}
	for name, want := range map[string]struct {
		typeflag byte
		mode     int64
		link     string
		content  string
	}{
		"bin/":        {tar.TypeDir, 0o755, "", ""},
		"bin/busybox": {tar.TypeReg, 0o755, "", "the program"},
		"bin/cat":     {tar.TypeSymlink, 0o777, "busybox", ""},
		"bin/sh":      {tar.TypeSymlink, 0o777, "busybox", ""},
		"tmp/":        {tar.TypeDir, 0o1777, "", ""},
		"usr/bin":     {tar.TypeSymlink, 0o777, "../bin", ""},
	} {
		got := layer[name]
		if got.Typeflag != want.typeflag || got.Mode != want.mode || got.Linkname != want.link || string(got.content) != want.content {
			t.Errorf("%s is %c %o -> %q %q", name, got.Typeflag, got.Mode, got.Linkname, got.content)
		}
	}
	if passwd := string(layer["etc/passwd"].content); !strings.Contains(passwd, "nobody:x:65534:65534:") {
		t.Errorf("/etc/passwd is %q", passwd)
	}
}

func TestImagesOfThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("images are Linux's")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		if _, err := exec.LookPath("busybox"); err != nil {
			t.Skip("neither apt-get nor a busybox is here")
		}
	}
	dir := filepath.Join(t.TempDir(), "images")
	written, err := Write(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Image{{Pause, filepath.Join(dir, "pause.tar")}, {Shell, filepath.Join(dir, "shell.tar")}}; !slices.Equal(written, want) {
		t.Fatalf("written are %v, want %v", written, want)
	}
	if _, pause := open(t, written[0]); len(pause) != 1 || pause["pause"].Mode != 0o755 {
		t.Errorf("the pause image has %v", pause)
	}
	_, shell := open(t, written[1])
	// What tests run in a pod.
	for _, applet := range []string{"sh", "cat", "ls", "stat", "sleep", "env", "id", "grep", "wget", "nslookup", "true"} {
		if shell["bin/"+applet].Linkname != "busybox" {
			t.Errorf("no /bin/%s in the shell's image", applet)
		}
	}
	again, err := Write(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range written {
		first, err := os.ReadFile(written[i].Path)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := os.ReadFile(again[i].Path); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s is another each time: %v", written[i].Ref, err)
		}
	}
}

func TestPauseEndsWhenAsked(t *testing.T) {
	program, err := build.Own(t.Context(), nil, "./images/pause")
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		// A child that it has not started itself, as a pod's first process has.
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "sleep 0.3 & exec "+program)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid := strconv.Itoa(cmd.Process.Pid)
		// It listens to signals once it has reaped. Before the shell becomes it there may be
		// no child yet.
		await.Poll{Limit: time.Minute}.Require(t, "the child to be reaped", func(context.Context) (bool, string) {
			children, err := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children"))
			if err != nil {
				t.Skipf("this kernel does not tell a process's children: %v", err)
			}
			runs, err := os.Readlink(filepath.Join("/proc", pid, "exe"))
			return len(children) == 0 && filepath.Base(runs) == filepath.Base(program), fmt.Sprintf("%s, %v, with the children %s", runs, err, children)
		})
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("after %s: %v", signal, err)
		}
	}
}
