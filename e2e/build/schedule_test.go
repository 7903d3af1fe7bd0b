package build

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTitles(t *testing.T) {
	todo := []*recipe{
		{name: "etcd", version: "v3", program: program{takes: 90 * time.Second}},
		{name: "apiserver", version: "v1", program: program{takes: 5 * time.Minute}},
		{name: "loopback", version: "v2", program: program{takes: time.Second}},
	}
	titles := func() (all []string) {
		for _, r := range todo {
			all = append(all, r.title())
		}
		return all
	}
	schedule(todo)
	want := []string{
		"building etcd v3 (about 1 min 30 s on 2 cores; 1 of 3, 0% is done, about 6 min 30 s left)",
		"building apiserver v1 (about 5 min on 2 cores; 2 of 3, 23% is done, about 5 min left)",
		"building loopback v2 (about 1 s on 2 cores; 3 of 3, 99% is done, about 0 s left)",
	}
	if diff := cmp.Diff(want, titles()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	todo = todo[:1]
	schedule(todo)
	if diff := cmp.Diff([]string{"building etcd v3 (about 1 min 30 s on 2 cores)"}, titles()); diff != "" {
		t.Errorf("one (-want +got):\n%s", diff)
	}
	schedule(nil)
}

// What is listed to be downloaded is what is built: a program whose modules are there lists without a word.
func TestDownload(t *testing.T) {
	if err := hello(helloSource).download(t.Context()); err != nil {
		t.Error(err)
	}
}
