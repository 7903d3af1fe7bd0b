package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/semver"
)

// debian is a program that is taken from a package of Debian, or of a
// distribution of its kin, because it is written in C or needs a C library. The
// package is unpacked into the cache, not installed.
type debian struct {
	name string
	pkg  string
	// libraries are packages that the program needs beside its own, and most machines have not.
	libraries []string
	// check says what is wrong with the program at path. It runs it, and so
	// finds a missing library too.
	check func(ctx context.Context, path string) error
}

// packages has the programs that do not come from a Go module.
var packages = map[string]debian{
	"busybox": {name: "busybox", pkg: "busybox-static", check: checkBusybox},
	"nft": {
		name: "nft", pkg: "nftables", check: checkNft,
		libraries: []string{"libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libedit2", "libxtables12", "libgmp10"},
	},
	"runc": {name: "runc", pkg: "runc", check: checkRunc},
}

// ensure takes the program from the package. Where that cannot be had, such as
// on another distribution, the machine's own program serves, if it is fit.
func (d debian) ensure(ctx context.Context, log io.Writer, cache string) (string, error) {
	path := filepath.Join(cache, d.key(), d.name)
	err := install(ctx, log, path, d.name, func(workspace string) error {
		return d.unpack(ctx, log, workspace)
	})
	if err == nil {
		return path, nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	own, ownErr := exec.LookPath(d.name)
	if ownErr == nil {
		ownErr = d.check(ctx, own)
	}
	if ownErr != nil {
		return "", fmt.Errorf("no %s to run: install the package %s, or make apt-get able to download it\n"+
			"the package: %w\nthis machine's: %w", d.name, d.pkg, err, ownErr)
	}
	report(log, "using %s, because the package %s cannot be had: %v\n", own, d.pkg, err)
	return own, nil
}

// key names what is unpacked. A package's version is known only once it is
// downloaded, but a distribution has about one, and its programs run with that
// distribution's libraries.
func (d debian) key() string {
	// Without the file, that is what all machines without it have in common.
	release, _ := os.ReadFile("/etc/os-release")
	packages := strings.Join(append([]string{d.pkg}, d.libraries...), " ")
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s %s %s", runtime.GOOS, runtime.GOARCH, packages, release))
	return d.name + "-debian-" + hex.EncodeToString(sum[:6])
}

// unpack makes the program as workspace/out/<name>.
func (d debian) unpack(ctx context.Context, log io.Writer, workspace string) (err error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("not a Debian: %w", err)
	}
	done := progress(log, 0, "unpacking the package %s", d.pkg)
	defer func() { done(err) }()

	files, err := d.download(ctx, workspace)
	if err != nil {
		return err
	}
	root := filepath.Join(workspace, "root")
	for _, file := range files {
		if _, err := run(ctx, workspace, nil, "dpkg", "-x", file, root); err != nil {
			return fmt.Errorf("dpkg -x: %w", err)
		}
	}
	program, err := d.find(root)
	if err != nil {
		return err
	}
	out := filepath.Join(workspace, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	if err := d.place(root, program, out); err != nil {
		return err
	}
	return d.check(ctx, filepath.Join(out, d.name))
}

// withLibraries starts a program with the libraries that lie beside it.
const withLibraries = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$here/libraries exec "$here/libraries/%s" "$@"
`

// place puts the program into out. One with libraries of its own is called through a script there.
func (d debian) place(root, program, out string) error {
	if len(d.libraries) == 0 {
		return os.Rename(program, filepath.Join(out, d.name))
	}
	libraries := filepath.Join(out, "libraries")
	if err := os.Mkdir(libraries, 0o755); err != nil {
		return err
	}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(entry.Name(), ".so.") {
			return err
		}
		return os.Rename(file, filepath.Join(libraries, entry.Name()))
	})
	return errors.Join(err, os.Rename(program, filepath.Join(libraries, d.name)),
		os.WriteFile(filepath.Join(out, d.name), fmt.Appendf(nil, withLibraries, d.name), 0o755))
}

// download fetches the package's file into the workspace. The machine's package
// lists may be absent, as in a container's image, or name a version that is no
// longer there: then it is tried once more with new lists, of our own.
func (d debian) download(ctx context.Context, workspace string) ([]string, error) {
	apt := filepath.Join(workspace, "apt")
	folder := filepath.Join(apt, "package")
	for _, dir := range []string{folder, filepath.Join(apt, "lists"), filepath.Join(apt, "cache")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	wanted := append([]string{"download", d.pkg}, d.libraries...)
	// The folder is root's alone to write, so apt-get need not try as another user.
	err := aptGet(ctx, folder, append([]string{"-o", "APT::Sandbox::User=root"}, wanted...)...)
	if err != nil && ctx.Err() == nil {
		config := filepath.Join(apt, "config")
		if err := os.WriteFile(config, []byte(privateLists(apt)), 0o644); err != nil {
			return nil, err
		}
		// That one of many lists cannot be had need not matter, but may be the reason.
		updateErr := aptGet(ctx, folder, "-c", config, "update")
		if err = aptGet(ctx, folder, append([]string{"-c", config}, wanted...)...); err != nil {
			err = errors.Join(updateErr, err)
		}
	}
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.deb"))
	if err != nil {
		return nil, err
	}
	if len(files) != 1+len(d.libraries) {
		return nil, fmt.Errorf("apt-get downloaded %q, want the package %s and %q", files, d.pkg, d.libraries)
	}
	return files, nil
}

func aptGet(ctx context.Context, dir string, args ...string) error {
	// In English, as everything here.
	if _, err := run(ctx, dir, []string{"LC_ALL=C"}, "apt-get", append([]string{"-q"}, args...)...); err != nil {
		return fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// privateLists is an apt.conf that leaves the machine's own lists as they are.
func privateLists(dir string) string {
	return fmt.Sprintf(`Dir::State::Lists %q;
Dir::Cache %q;
APT::Sandbox::User "root";
# What the machine does after an update is about its own lists.
#clear APT::Update;
# Without this an update that gets no list at all is a success.
APT::Update::Error-Mode "any";
`, filepath.Join(dir, "lists"), filepath.Join(dir, "cache"))
}

// find gives the program's path below root, where a package was unpacked.
func (d debian) find(root string) (string, error) {
	for _, dir := range []string{"usr/sbin", "usr/bin", "sbin", "bin"} {
		path := filepath.Join(root, filepath.FromSlash(dir), d.name)
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("no program %s in the package %s: %w", d.name, d.pkg, fs.ErrNotExist)
}

// checkRunc wants a runc that can do what a kubelet asks of it, which is a
// seccomp profile for every pod.
func checkRunc(ctx context.Context, path string) error {
	out, err := run(ctx, filepath.Dir(path), nil, path, "--version")
	if err != nil {
		// apt itself needs libseccomp, so that a Debian has it. It cannot be put
		// beside runc: runc starts itself anew without LD_LIBRARY_PATH.
		return fmt.Errorf("runc does not run (libseccomp.so.2 is in the package libseccomp2): %w", err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	version, known := strings.CutPrefix(first, "runc version ")
	// Distributions append what is no semantic version: "1.2.5-0ubuntu1~22.04.1".
	if end := strings.IndexAny(version, "-+~"); end >= 0 {
		version = version[:end]
	}
	if !known || semver.Compare("v"+version, "v1.1") < 0 {
		return fmt.Errorf("%s says %q: want runc 1.1 or newer", path, first)
	}
	if !bytes.Contains(out, []byte("\nlibseccomp: ")) {
		return fmt.Errorf("%s is built without libseccomp, which every pod needs", path)
	}
	return nil
}

// checkNft wants an nft that runs, and so finds its libraries.
func checkNft(ctx context.Context, path string) error {
	if _, err := run(ctx, filepath.Dir(path), nil, path, "--version"); err != nil {
		return fmt.Errorf("%s does not run: %w", path, err)
	}
	return nil
}

// checkBusybox wants a busybox that runs in an image without a C library.
func checkBusybox(ctx context.Context, path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically: want busybox-static's", path)
		}
	}
	if _, err := run(ctx, filepath.Dir(path), nil, path, "true"); err != nil {
		return fmt.Errorf("%s does not run: %w", path, err)
	}
	return nil
}
