package build

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// place is where a program stands among those that are to be built.
type place struct {
	number, of int
	// done and left, this one included, are about how long the others take on two cores.
	done, left time.Duration
}

// schedule numbers programs that are to be built in this order.
func schedule(todo []*recipe) {
	var total, done time.Duration
	for _, r := range todo {
		total += r.takes
	}
	for i, r := range todo {
		r.place = place{number: i + 1, of: len(todo), done: done, left: total - done}
		done += r.takes
	}
}

// title says what is built, how long that takes, and how much is left.
func (r *recipe) title() string {
	title := fmt.Sprintf("building %s %s (about %s on 2 cores", r.name, r.version, spoken(r.takes))
	if p := r.place; p.of > 1 {
		title += fmt.Sprintf("; %d of %d, %d%% is done, about %s left", p.number, p.of, 100*p.done/max(1, p.done+p.left), spoken(p.left.Round(10*time.Second)))
	}
	return title + ")"
}

// downloadAhead has the go command download what the programs after the first are made of, while others are built. What
// cannot be downloaded will be said when it is needed.
func downloadAhead(ctx context.Context, todo []*recipe) (done <-chan struct{}) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, r := range todo[min(1, len(todo)):] {
			if ctx.Err() != nil {
				return
			}
			_ = r.download(ctx)
		}
	}()
	return ended
}

func (r *recipe) download(ctx context.Context) error {
	module, err := os.MkdirTemp("", "akv-download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(module)
	if err := r.write(module); err != nil {
		return err
	}
	_, err = runGo(ctx, module, []string{"CGO_ENABLED=0"}, append(r.goListFlags(), r.mainPackage)...)
	return err
}

// goListFlags are those of a go list that needs what go build needs, and does nothing with it.
func (r *recipe) goListFlags() []string {
	args := []string{"list", "-deps", "-mod=readonly", "-f", ""}
	if len(r.tags) > 0 {
		args = append(args, "-tags", strings.Join(r.tags, ","))
	}
	return args
}
