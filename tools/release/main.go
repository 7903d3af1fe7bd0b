// Command release makes what a release of akv-injector consists of, in a folder:
//
//	release -version v1.2.3 -out dist [-repo REGISTRY/NAME] [-only images,plugin,chart] [-platforms linux/amd64,…]
//	release -version v1.2.3 -out dist -repo REGISTRY/NAME -push
//
// The same source and the same Go give the same bytes, on any machine and at any time; nothing is asked of the network once the modules are
// there. Without -repo there is no install.yaml, since nobody but its reader knows where the image will be.
//
// It is a module of its own: what it is made of has no part in the product or its tests.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one run.
type release struct {
	root    string // of the source
	out     string // folder
	version string // v1.2.3
	repo    string // of the image, or ""
	name    string // of the image, in archives
	url     string // folder that the plugin's archives are downloaded from
	helm    string
	only    []string
	images  []platform
	plugins []platform
	pushes  bool
	log     io.Writer
}

// platform is what a program is compiled for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

var (
	imagePlatforms  = []platform{{"linux", "amd64"}, {"linux", "arm64"}}
	pluginPlatforms = []platform{
		{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
	}
	parts = []string{"images", "plugin", "chart"}
)

// homepage is where the project is.
const homepage = "https://github.com/akv-injector/akv-injector"

func run(ctx context.Context, args []string, log io.Writer) error {
	r, err := parse(args)
	if err != nil {
		return err
	}
	r.log = log
	if r.pushes {
		return r.push(ctx, nil)
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		make func(context.Context) error
	}{{"images", r.makeImages}, {"plugin", r.makePlugin}, {"chart", r.makeChart}} {
		if slices.Contains(r.only, part.name) {
			if err := part.make(ctx); err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
		}
	}
	if err := os.WriteFile(r.path(goFile), []byte(runtime.Version()+"\n"), 0o644); err != nil {
		return err
	}
	return r.makeSums()
}

// goFile says with which Go a release was made: another one makes other bytes.
const goFile = "GO-VERSION"

var (
	// A krew manifest and a chart want a version of this form.
	versionForm = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)
	// A registry, and a path of lower case letters.
	repoForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$`)
	urlForm  = regexp.MustCompile(`^https://[A-Za-z0-9./_~:%-]+$`)
)

func parse(args []string) (*release, error) {
	r := &release{}
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.StringVar(&r.version, "version", "", "such as v1.2.3")
	flags.StringVar(&r.repo, "repo", "", "repository that the image will be pushed to, such as myregistry.azurecr.io/akv-injector")
	flags.StringVar(&r.name, "name", "akv-injector", "name of the image in the archives, without a tag")
	flags.StringVar(&r.url, "url", "", "folder that the plugin's archives are downloaded from")
	flags.StringVar(&r.root, "root", ".", "folder of the source")
	flags.StringVar(&r.out, "out", "dist", "folder to write")
	flags.StringVar(&r.helm, "helm", "helm", "the program")
	flags.BoolVar(&r.pushes, "push", false, "push the images that are in the folder, and make nothing")
	only := flags.String("only", strings.Join(parts, ","), "which parts")
	platforms := flags.String("platforms", "", "leaves others out, such as linux/amd64")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("what is %q?", flags.Args())
	}
	if r.url == "" {
		r.url = homepage + "/releases/download/" + r.version
	}
	switch {
	case !versionForm.MatchString(r.version):
		return nil, fmt.Errorf("-version %q is none; write one like v1.2.3", r.version)
	case r.repo != "" && !repoForm.MatchString(r.repo):
		return nil, fmt.Errorf("-repo %q is no repository; write one like myregistry.azurecr.io/akv-injector, without a tag", r.repo)
	case !urlForm.MatchString(r.url):
		return nil, fmt.Errorf("-url %q is no address of a folder; write https://…", r.url)
	}
	for part := range strings.SplitSeq(*only, ",") {
		if !slices.Contains(parts, part) {
			return nil, fmt.Errorf("-only %q: want some of %s", part, strings.Join(parts, ","))
		}
		r.only = append(r.only, part)
	}
	r.images, r.plugins = chosen(imagePlatforms, *platforms), chosen(pluginPlatforms, *platforms)
	if len(r.images)+len(r.plugins) == 0 {
		return nil, fmt.Errorf("-platforms %q: want some of %v", *platforms, pluginPlatforms)
	}
	if r.repo != "" {
		r.name = r.repo
	}
	var err error
	r.root, err = filepath.Abs(r.root)
	return r, err
}

// chosen are the platforms that a list names; "" names all.
func chosen(all []platform, names string) []platform {
	if names == "" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(p platform) bool {
		return !slices.Contains(strings.Split(names, ","), p.String())
	})
}

func (r *release) say(format string, args ...any) { fmt.Fprintf(r.log, format+"\n", args...) }

func (r *release) path(name string) string { return filepath.Join(r.out, name) }
