package status

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// version is one of a State, made some time ago.
func version(id string, age time.Duration) keyvault.Version {
	return keyvault.Version{ID: id, Enabled: true, Created: ago(age)}
}

func disabled(v keyvault.Version) keyvault.Version {
	v.Enabled = false
	return v
}

// holds is a vault's answer, the newest version first.
func holds(versions ...keyvault.Version) Answer {
	return Answer{State: &keyvault.State{Versions: versions}}
}

// mounted is a mount of secret/DB-Password with a version, an hour old.
func mounted(id string, change ...func(*Mount)) *Mount {
	m := &Mount{
		Item:  Item{Namespace: "shop", Pod: "web", Node: "node-1", Volume: "store", Class: "class", Vault: "shop-kv", Object: "secret/DB-Password"},
		Ref:   &keyvault.Ref{Vault: "shop-kv", Type: keyvault.Secret, Name: "DB-Password"},
		place: -1, object: &provider.Object{Name: "DB-Password", Type: "secret"},
		recorded: true, since: ago(time.Hour), started: true,
	}
	if id != "" {
		m.Mounted = &Version{Version: id}
	}
	for _, c := range change {
		c(m)
	}
	return m
}

// rotates is what most clusters do.
var rotates = facts.Rotation{Known: true, Interval: 2 * time.Minute, Kubelet: true}

// The verdict on every kind of mount. The reasons are compared by code; that the messages
// say what they should is TestMessages's.
func TestJudge(t *testing.T) {
	pinned := func(version string) func(*Mount) {
		return func(m *Mount) { m.object = &provider.Object{Name: "DB-Password", Type: "secret", Version: version} }
	}
	place := func(n int) func(*Mount) {
		return func(m *Mount) {
			m.place, m.object = n, &provider.Object{Name: "DB-Password", Type: "secret", VersionHistory: 2}
		}
	}
	kind := func(kind string) func(*Mount) {
		return func(m *Mount) { m.object = &provider.Object{Name: "DB-Password", Type: kind} }
	}
	failed := func(age time.Duration) func(*Mount) {
		return func(m *Mount) { m.failure = &failure{at: ago(age), message: "no", reason: "FailedMount"} }
	}
	outdatedSince := func(age time.Duration) func(*Mount) {
		return func(m *Mount) {
			m.outdated = []outdating{{code: SubPath, container: container{"app", ago(age)}, how: "a mount with the subPath DB-Password"}}
		}
	}
	unmounted := func(m *Mount) { m.recorded, m.since = false, time.Time{} }
	two := holds(version("v2", time.Minute), version("v1", time.Hour))

	for name, c := range map[string]struct {
		mount    *Mount
		answer   Answer
		rotation facts.Rotation
		want     string
	}{
		"newest":                             {mounted("v2"), two, rotates, "current"},
		"newest, of driver nobody knows":     {mounted("v2"), two, facts.Rotation{}, "current"},
		"older, just rotated":                {mounted("v1"), two, rotates, "stale Due"},
		"older, at the end of the interval":  {mounted("v1"), holds(version("v2", 3*time.Minute+44*time.Second), version("v1", time.Hour)), rotates, "stale Due"},
		"older, after it":                    {mounted("v1"), holds(version("v2", 3*time.Minute+45*time.Second), version("v1", time.Hour)), rotates, "stale Overdue"},
		"older, after it, of a loop":         {mounted("v1"), holds(version("v2", 3*time.Minute), version("v1", time.Hour)), facts.Rotation{Known: true, Interval: 2 * time.Minute}, "stale Overdue"},
		"older, and the interval unknown":    {mounted("v1"), two, facts.Rotation{}, "stale IntervalUnknown"},
		"older, and rotation off":            {mounted("v1"), two, facts.Rotation{Known: true, Off: "it is off"}, "stale RotationOff"},
		"older, and the mount fails":         {mounted("v1", failed(30*time.Second)), two, rotates, "stale MountError"},
		"older, and the mount failed before": {mounted("v1", failed(2*time.Minute)), two, rotates, "stale Due"},
		"current, and the mount failed":      {mounted("v2", failed(30*time.Second)), two, rotates, "current"},
		"of a version that is purged":        {mounted("v0"), two, rotates, "stale Due"},
		"made in the same second":            {mounted("v1"), holds(version("v2", time.Minute), version("v1", time.Minute)), rotates, "current"},

		"newest disabled":               {mounted("v1"), holds(disabled(version("v2", time.Minute)), version("v1", time.Hour)), rotates, "stale NewestDisabled"},
		"newest disabled, and it fails": {mounted("v1", failed(0)), holds(disabled(version("v2", time.Minute)), version("v1", time.Hour)), rotates, "stale NewestDisabled MountError"},
		"a key's newest disabled":       {mounted("v1", kind("key")), holds(disabled(version("v2", time.Minute)), version("v1", time.Hour)), rotates, "stale Due"},
		"newest, disabled since":        {mounted("v2"), holds(disabled(version("v2", time.Minute)), version("v1", time.Hour)), rotates, "current"},
		"deleted":                       {mounted("v1"), holds(), rotates, "stale ObjectNotFound"},
		"too many versions":             {mounted("v1"), Answer{State: &keyvault.State{Versions: two.State.Versions, Truncated: true}}, rotates, "unknown VaultUnknown"},

		"pinned":                  {mounted("v1", pinned("v1")), two, rotates, "stale Pinned"},
		"pinned to the newest":    {mounted("v2", pinned("v2")), two, rotates, "current Pinned"},
		"pinned, vault not asked": {mounted("v1", pinned("v1")), Answer{}, rotates, "unknown VaultUnknown Pinned"},
		"literally latest":        {mounted("", pinned("latest"), failed(0)), two, rotates, "stale Pinned MountError"},

		"history's newest":           {mounted("v2", place(0)), two, rotates, "current"},
		"history's newest, older":    {mounted("v1", place(0)), two, rotates, "stale Due"},
		"history's second":           {mounted("v1", place(1)), two, rotates, "current"},
		"history's second, older":    {mounted("v0", place(1)), holds(version("v2", time.Minute), version("v1", time.Hour), version("v0", 2*time.Hour)), rotates, "stale Due"},
		"history skips the disabled": {mounted("v1", place(0)), holds(disabled(version("v2", time.Minute)), version("v1", time.Hour)), rotates, "current"},
		"history shorter than it":    {mounted("v1", place(1)), holds(version("v2", time.Minute)), rotates, "stale NotInClass"},

		"vault not asked":   {mounted("v1"), Answer{}, rotates, "unknown VaultUnknown"},
		"vault forbidden":   {mounted("v1"), Answer{Unknown: "no right"}, rotates, "unknown VaultUnknown"},
		"class names more":  {mounted(""), two, rotates, "stale NotMounted"},
		"that fails":        {mounted("", failed(0)), two, rotates, "stale NotMounted MountError"},
		"class names less":  {mounted("v1", func(m *Mount) { m.object, m.Ref = nil, nil }), Answer{}, rotates, "stale NotInClass"},
		"without a class":   {mounted("v1", func(m *Mount) { m.object, m.reason = nil, &Reason{ClassNotFound, "gone"} }), Answer{}, rotates, "unknown ClassNotFound"},
		"pod starts":        {mounted("", unmounted, func(m *Mount) { m.started = false }), two, rotates, "pending NotStarted"},
		"pod cannot start":  {mounted("", unmounted, failed(0), func(m *Mount) { m.started = false }), two, rotates, "pending NotStarted MountError"},
		"never mounted":     {mounted("", unmounted), two, rotates, "empty NoMount"},
		"never, unasked":    {mounted("", unmounted), Answer{}, rotates, "empty NoMount"},
		"never, with event": {mounted("", unmounted, failed(0)), two, rotates, "empty NoMount MountError"},

		"late":               {mounted("v2", func(m *Mount) { m.late = []container{{"app", ago(2 * time.Hour)}} }), two, rotates, "unknown MountedLate"},
		"late and stale":     {mounted("v1", func(m *Mount) { m.late = []container{{"app", ago(2 * time.Hour)}} }), two, rotates, "stale Due MountedLate"},
		"subPath, older":     {mounted("v2", outdatedSince(2*time.Minute)), two, rotates, "stale SubPath"},
		"subPath, younger":   {mounted("v2", outdatedSince(30*time.Second)), two, rotates, "current SubPath"},
		"subPath, untold":    {mounted("v2", outdatedSince(2*time.Minute)), Answer{}, rotates, "unknown VaultUnknown SubPath"},
		"subPath, and stale": {mounted("v1", outdatedSince(2*time.Minute)), two, rotates, "stale Due SubPath"},
	} {
		t.Run(name, func(t *testing.T) {
			before := fmt.Sprintf("%+v", *c.mount)
			item := Judge(c.mount, c.answer, c.rotation, noon)
			got := string(item.Status)
			for _, r := range item.Reasons {
				got += " " + string(r.Code)
				if r.Message == "" || strings.ContainsAny(r.Message, "\n\r") {
					t.Errorf("%s is told in %q", r.Code, r.Message)
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if item.Status == Current && item.StaleSince != nil {
				t.Errorf("current, and stale since %s", item.StaleSince)
			}
			if after := fmt.Sprintf("%+v", *c.mount); after != before {
				t.Errorf("the mount was changed:\n%s\n%s", before, after)
			}
		})
	}
}

// What is told of the versions, and since when a mount is stale: since the one after it.
func TestJudgeVersions(t *testing.T) {
	expires := noon.Add(time.Hour)
	newest := version("v3", time.Minute)
	newest.Expires = expires
	item := Judge(mounted("v1"), holds(newest, disabled(version("v2", 10*time.Minute)), version("v1", time.Hour)), rotates, noon)
	yes := true
	v1, v2, v3 := ago(time.Hour), ago(10*time.Minute), ago(time.Minute)
	want := Item{
		Namespace: "shop", Pod: "web", Node: "node-1", Volume: "store", Class: "class", Vault: "shop-kv", Object: "secret/DB-Password",
		Mounted:    &Version{Version: "v1", Created: &v1, Enabled: &yes},
		Newest:     &Version{Version: "v3", Created: &v3, Enabled: &yes, Expires: &expires},
		StaleSince: &v2, Status: Stale, Reasons: item.Reasons,
	}
	if diff := cmp.Diff(want, item); diff != "" {
		t.Error(diff)
	}
}

// A message has what one needs to go on.
func TestMessages(t *testing.T) {
	older := mounted("v1")
	two := holds(version("v2", time.Minute), version("v1", time.Hour))
	for name, c := range map[string]struct {
		mount    *Mount
		answer   Answer
		rotation facts.Rotation
		want     string
	}{
		"due":         {older, two, rotates, "the kubelet asks the driver every 60 to 90 s; the driver skips what it wrote less than 2m ago: due by 12:02:45Z"},
		"due, a loop": {older, two, facts.Rotation{Known: true, Interval: 30 * time.Second}, "the driver polls every 30s; it should have mounted it by now; see the driver's log on node node-1"},
		"off":         {older, two, facts.Rotation{Known: true, Off: "the driver runs without --enable-secret-rotation"}, "nothing rotates, because the driver runs without --enable-secret-rotation"},
		"vault":       {older, Answer{Unknown: "vault shop-kv forbids it"}, rotates, "vault shop-kv forbids it"},
		"failure": {
			mounted("v1", func(m *Mount) {
				m.failure = &failure{at: noon, reason: "FailedMount", message: `MountVolume.SetUp failed for volume "store" : rpc error: code = Unknown desc = failed to mount: ForbiddenByRbac`}
			}), two, rotates, "the mount failed: failed to mount: ForbiddenByRbac",
		},
	} {
		t.Run(name, func(t *testing.T) {
			item := Judge(c.mount, c.answer, c.rotation, noon)
			if len(item.Reasons) != 1 || item.Reasons[0].Message != c.want {
				t.Errorf("got %q, want %q", item.Reasons, c.want)
			}
		})
	}
}
