package rotation_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/build"
	"akv-injector/e2e/examples"
)

// run runs one of the blocks of commands that docs/operations.md has for this: 0 looks for
// volumes that are missing, 1 shows when things began.
func (f *firstMount) run(t *testing.T, block int) string {
	t.Helper()
	root, err := build.Root()
	check(t, err)
	blocks, err := examples.Blocks(filepath.Join(root, "docs", "operations.md"), "A pod that starts without its files")
	check(t, err)
	if len(blocks) != 2 {
		t.Fatalf("docs/operations.md has %d blocks of commands there, and not two", len(blocks))
	}
	out, err := newTerminal(t, f.System, t.TempDir()).run(t.Context(), blocks[block])
	check(t, err)
	return out
}

// checkMissing wants the commands that look for missing volumes to find these of this pod,
// by their classes, and no others of it.
func (f *firstMount) checkMissing(t *testing.T, classes ...string) {
	t.Helper()
	var want, got []string
	for _, class := range classes {
		want = append(want, f.Namespace+"/"+f.pod.Name+" "+class)
	}
	for line := range strings.Lines(f.run(t, 0)) {
		if strings.HasPrefix(line, f.Namespace+"/"+f.pod.Name+" ") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the commands of docs/operations.md find other volumes missing: -want +got:\n%s", diff)
	}
	f.checkEmpty(t, classes)
}

// checkEmpty wants kubectl akv status to call these classes of this pod empty, and no others.
func (f *firstMount) checkEmpty(t *testing.T, classes []string) {
	t.Helper()
	program, err := build.Product(t.Context(), f.Options.Log, "./cmd/kubectl-akv")
	check(t, err)
	looker := &onlooker{f.Tenant, program, f.KubectlCommand(t.Context()).Env}
	all, err := items(looker.run(t, 0, "-o", "json", "--no-vault", f.pod.Name).stdout)
	check(t, err)
	got := map[string]bool{}
	for _, item := range all {
		if item.Status == "empty" && item.reason("NoMount") != "" {
			got[item.SecretProviderClass] = true
		}
	}
	want := map[string]bool{}
	for _, class := range classes {
		want[class] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kubectl akv status finds other volumes empty: -want +got:\n%s", diff)
	}
}

// awaitTimes waits until the commands that show times tell that a container of this pod has
// started after its volume was mounted, or before: the kubelet tells a moment later.
func (f *firstMount) awaitTimes(t *testing.T, container string, after bool) {
	t.Helper()
	var names []string
	for _, c := range f.pod.Spec.Containers {
		names = append(names, c.Name)
	}
	slices.Sort(names) // as their statuses are
	f.await(t, fmt.Sprintf("times by which %s has started after its volume was mounted (%t)", container, after), func(context.Context) (bool, string) {
		var started, mounted time.Time
		out := f.run(t, 1)
		for line := range strings.Lines(out) {
			fields := strings.Fields(line)
			if len(fields) < 3 || fields[0] != f.Namespace || fields[1] != f.pod.Name {
				continue
			}
			if times := strings.Split(fields[2], ","); len(fields) == 3 && len(times) == len(names) {
				started, _ = time.Parse(time.RFC3339, times[slices.Index(names, container)])
			}
			if len(fields) == 4 && fields[2] == f.class {
				mounted, _ = time.Parse(time.RFC3339, fields[3])
			}
		}
		known := !started.IsZero() && !mounted.IsZero()
		if after {
			return known && !started.Before(mounted), out
		}
		return known && !started.After(mounted), out
	})
}
