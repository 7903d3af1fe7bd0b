package images

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"akv-injector/e2e/build"
)

// The images' references. No registry can have this name.
const (
	// Pause holds a pod's namespaces.
	Pause = "registry.invalid/akv/pause:1"
	// Shell has busybox: sh and some 270 commands more, as root unless the pod
	// says otherwise.
	Shell = "registry.invalid/akv/shell:1"
)

// Image is an image in an archive.
type Image struct{ Ref, Path string }

// Write writes all images into dir, one archive each. What they are made of is
// built first; log (nil: nowhere) hears of that if it takes time.
func Write(ctx context.Context, dir string, log io.Writer) ([]Image, error) {
	pause, err := pauseImage(ctx, log)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", Pause, err)
	}
	shell, err := shellImage(ctx, log)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", Shell, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	written := []Image{{Pause, filepath.Join(dir, "pause.tar")}, {Shell, filepath.Join(dir, "shell.tar")}}
	for i, img := range []image{pause, shell} {
		if err := writeArchive(written[i], img); err != nil {
			return nil, fmt.Errorf("image %s: %w", written[i].Ref, err)
		}
	}
	return written, nil
}

// Program writes an image that has one program and nothing else, which runs as nobody.
func Program(to Image, program string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	return writeArchive(to, image{
		runs:  config{Entrypoint: []string{"/program"}, User: "65534:65534"},
		files: []file{{name: "program", mode: 0o755, content: content}},
	})
}

func pauseImage(ctx context.Context, log io.Writer) (image, error) {
	// Without a path or a build's id in it the program follows from its source.
	program, err := build.Own(ctx, log, "./images/pause", "-trimpath", "-ldflags=-s -w -buildid=")
	if err != nil {
		return image{}, err
	}
	content, err := os.ReadFile(program)
	return image{
		runs:  config{Entrypoint: []string{"/pause"}, User: "65535:65535"},
		files: []file{{name: "pause", mode: 0o755, content: content}},
	}, err
}

func shellImage(ctx context.Context, log io.Writer) (image, error) {
	programs, err := build.Ensure(ctx, log, "busybox")
	if err != nil {
		return image{}, err
	}
	busybox, err := os.ReadFile(programs["busybox"])
	if err != nil {
		return image{}, err
	}
	applets, err := applets(ctx, programs["busybox"])
	return image{
		runs: config{
			Env: []string{"PATH=/bin", "HOME=/root"},
			Cmd: []string{"/bin/sh"},
		},
		files: shellFiles(busybox, applets),
	}, err
}

// shellFiles are the files of the shell's image: each command in /bin is a link
// to busybox, which does what the name that it is called by says.
func shellFiles(busybox []byte, applets []string) []file {
	files := []file{
		{name: "bin/", mode: 0o755},
		{name: "bin/busybox", mode: 0o755, content: busybox},
	}
	for _, applet := range applets {
		if applet != "busybox" {
			files = append(files, file{name: "bin/" + applet, link: "busybox"})
		}
	}
	return append(files,
		file{name: "etc/", mode: 0o755},
		file{name: "etc/group", mode: 0o644, content: []byte("root:x:0:\nnogroup:x:65534:\n")},
		file{name: "etc/passwd", mode: 0o644, content: []byte(
			"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n")},
		file{name: "root/", mode: 0o700},
		file{name: "tmp/", mode: 0o1777},
		file{name: "usr/", mode: 0o755},
		// Scripts begin with #!/usr/bin/env.
		file{name: "usr/bin", link: "../bin"},
	)
}

// applets are the commands that busybox says it has.
func applets(ctx context.Context, busybox string) ([]string, error) {
	out, err := exec.CommandContext(ctx, busybox, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list: %w", busybox, err)
	}
	return strings.Fields(string(out)), nil
}
