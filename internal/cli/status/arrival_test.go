package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/keyvault"
)

// A version has arrived where no container can have an older one.
func TestHas(t *testing.T) {
	written := func(m *Mount) { m.written = ago(10 * time.Minute) }
	keeps := func(age time.Duration) func(*Mount) {
		return func(m *Mount) {
			m.outdated = []outdating{{code: SubPath, container: container{"app", ago(age)}, how: "a mount with the subPath DB-Password"}}
		}
	}
	two := holds(version("v2", 5*time.Minute), version("v1", time.Hour)).State
	for name, c := range map[string]struct {
		mount *Mount
		state *keyvault.State
		want  Progress
		why   string
	}{
		"it":                           {mounted("v1"), nil, There, ""},
		"it, in capitals":              {mounted("V1"), nil, There, ""},
		"a younger":                    {mounted("v2"), two, There, ""},
		"another, of an age not known": {mounted("v2"), nil, Older, "it has version v2"},
		"an older":                     {mounted("v0"), two, Older, "it has version v0"},
		"a pod that has not started":   {mounted("", func(m *Mount) { m.recorded, m.started = false, false }), nil, There, ""},
		"an empty volume":              {mounted("", func(m *Mount) { m.recorded = false }), nil, Older, "never mounted"},
		"not mounted yet":              {mounted(""), nil, Older, "not mounted yet"},
		"not known":                    {mounted("", func(m *Mount) { m.reason = &Reason{ClassNotFound, "there is no class"} }), nil, Unseen, "there is no class"},
		"known, without a class":       {mounted("v1", func(m *Mount) { m.reason = &Reason{ClassNotFound, "there is no class"} }), nil, There, ""},
		"a container from before it":   {mounted("v1", written, keeps(20*time.Minute)), nil, Older, "container app keeps what it started with by a mount with the subPath DB-Password, until it restarts"},
		"a container from after it":    {mounted("v1", written, keeps(5*time.Minute)), nil, There, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := c.mount.has("v1", c.state)
			if got != c.want || !strings.Contains(why, c.why) || (why == "") != (c.want == There) {
				t.Errorf("%s: %s, want %s: %s", got, why, c.want, c.why)
			}
		})
	}
}

func TestParseTarget(t *testing.T) {
	for word, want := range map[string]string{
		"shop-kv/DB-Password": "shop-kv/secret/DB-Password",
		"shop-kv/cert/tls":    "shop-kv/cert/tls",
		"DB-Password":         "", "shop-kv/": "", "shop-kv/password/x": "", "no vault/x": "", "a/b/c/d": "", "": "",
	} {
		target, err := ParseTarget(word, "")
		if (err == nil) != (want != "") || err == nil && target.String() != want {
			t.Errorf("%q is %s (%v), want %s", word, &target, err, want)
		}
	}
	target, _ := ParseTarget("Shop-KV/db-password", "")
	for object, of := range map[string]bool{"secret/DB-Password": true, "secret/DB-Password/0": true, "secret/DB-Password/1": false, "key/DB-Password": false} {
		if m := mounted("v1"); target.of(m) != true {
			t.Error("names are compared with case")
		}
		if m := mounted("v1", func(m *Mount) { m.Object = object }); target.of(m) != of {
			t.Errorf("%s is the object: %t", object, !of)
		}
	}
}

func TestByObject(t *testing.T) {
	item := func(object, mounted string, change ...func(*Item)) Item {
		i := Item{Vault: "shop-kv", Object: object, Mounted: &Version{Version: mounted}, Newest: &Version{Version: "v2"}}
		for _, c := range change {
			c(&i)
		}
		return i
	}
	made := ago(time.Hour)
	report := &Report{Items: []Item{
		item("secret/a", "v1"), item("secret/a", "v2", func(i *Item) { i.Mounted.Created = &made }), item("secret/a", "v1", func(i *Item) { i.Reasons = []Reason{{Code: SubPath}} }),
		item("secret/b", "v2", func(i *Item) { i.Newest = nil }),
		item("secret/c", "", func(i *Item) { i.Mounted = nil }),
		{Object: "secret/of-no-vault"},
	}}
	yes, no := true, false
	want := []VersionInUse{
		{Vault: "shop-kv", Object: "secret/a", Version: "v2", Created: &made, Newest: &yes, Pods: 1},
		{Vault: "shop-kv", Object: "secret/a", Version: "v1", Newest: &no, Pods: 2, Outdated: 1},
		{Vault: "shop-kv", Object: "secret/b", Version: "v2", Pods: 1},
		{Vault: "shop-kv", Object: "secret/c", Pods: 1},
	}
	if diff := cmp.Diff(want, report.ByObject()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
