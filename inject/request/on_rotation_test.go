package request

import (
	"strings"
	"testing"
	"time"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWindow(t *testing.T) {
	for name, c := range map[string]struct {
		window, now, want string
	}{
		"before it":                  {"0 2 * * 6 4h", "2026-03-06T12:00:00Z", "2026-03-07T02:00:00Z"},
		"as it opens":                {"0 2 * * 6 4h", "2026-03-07T02:00:00Z", "2026-03-07T02:00:00Z"},
		"within it":                  {"0 2 * * 6 4h", "2026-03-07T05:59:59Z", "2026-03-07T05:59:59Z"},
		"as it closes":               {"0 2 * * 6 4h", "2026-03-07T06:00:00Z", "2026-03-14T02:00:00Z"},
		"in another zone":            {"0 2 * * * 1h Europe/Berlin", "2026-03-06T01:30:00Z", "2026-03-06T01:30:00Z"},
		"in summer":                  {"0 2 * * * 1h Europe/Berlin", "2026-07-06T01:30:00Z", "2026-07-07T00:00:00Z"},
		"over midnight":              {"0 22 * * * 4h", "2026-03-07T01:00:00Z", "2026-03-07T01:00:00Z"},
		"at an hour that is skipped": {"30 2 * * * 2h Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-30T00:30:00Z"},
		"always open":                {"0 * * * * 1h", "2026-03-07T01:17:00Z", "2026-03-07T01:17:00Z"},
		"in leap years":              {"0 0 29 2 * 1h", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			w, problem := ParseWindow(c.window)
			if problem.Found() {
				t.Fatal(problem)
			}
			if got := w.Next(at(c.now)); !got.Equal(at(c.want)) {
				t.Errorf("%s, want %s", got.UTC(), c.want)
			}
		})
	}
	for _, window := range []string{
		"", "always", "0 2 * * 6", "0 2 * * 6 4h Nowhere/Town", "0 2 * * 6 4h Local", "0 2 * * 6 4h ../etc/passwd", "0 2 * * 6 1s", "0 2 * * 6 4000h",
		"0 2 31 2 * 4h", "CRON_TZ=UTC 2 * * 6 4h", "@every 1h * * * 4h", "99 2 * * 6 4h", "0 2 * * 6 4h UTC more", strings.Repeat("0,", 200) + "0 2 * * 6 4h",
	} {
		if w, problem := ParseWindow(window); !problem.Found() {
			t.Errorf("%q is the window %v", window, w)
		}
	}
	if now := at("2026-03-07T01:17:00Z"); !(Window{}).Next(now).Equal(now) {
		t.Error("no window is not always open")
	}
}

func TestReadOnRotation(t *testing.T) {
	place := func(key string, onPod bool) *finding.Place {
		if onPod {
			return finding.At("metadata", "annotations").Key(key)
		}
		return NamespaceAnnotation(key)
	}
	set := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	o, errs := ReadOnRotation(set(annotation.OnRotation, " restart ", annotation.MaxParallel, "3"),
		set(annotation.OnRotation, "none", annotation.Settle, "30s", annotation.RestartWindow, "0 2 * * 6 4h"), place)
	if len(errs) > 0 || !o.Restart || o.Settle != 30*time.Second || o.MaxParallel != 3 || o.Window.String() != "0 2 * * 6 4h" {
		t.Errorf("%+v, %v", o, errs)
	}
	if o, errs := ReadOnRotation(nil, nil, place); len(errs) > 0 || o.Restart || o.Settle != DefaultSettle || o.MaxParallel != 1 {
		t.Errorf("without annotations: %+v, %v", o, errs)
	}
	if o, _ := ReadOnRotation(set(annotation.OnRotation, "none"), set(annotation.OnRotation, "restart"), place); o.Restart {
		t.Error("a pod's none does not win over its namespace")
	}
	if o, errs := ReadOnRotation(set(annotation.OnRotation, "evict"), nil, place); len(errs) > 0 || !o.Restart || !o.Evict {
		t.Errorf("evict: %+v, %v", o, errs)
	}
	if o, errs := ReadOnRotation(nil, set(annotation.OnEmpty, "evict"), place); len(errs) > 0 || o.Restart || !o.EvictEmpty {
		t.Errorf("on-empty: %+v, %v", o, errs)
	}
	_, errs = ReadOnRotation(set(annotation.OnEmpty, "restart", annotation.OnRotation, "reboot", annotation.Settle, "-1s", annotation.MaxParallel, "0"), set(annotation.RestartWindow, "never"), place)
	if len(errs) != 5 {
		t.Errorf("%d errors: %v", len(errs), errs)
	}
}
