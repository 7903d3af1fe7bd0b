package annotation

import (
	"slices"
	"strconv"
	"strings"
)

// Annotations for programs that restart a workload when a Secret changes: Stakater Reloader
// (1.4, pkg/common/common.go, ShouldReload) and Wave (0.5, pkg/core/required_annotation.go).
const (
	ReloaderAuto    = "reloader.stakater.com/auto"
	ReloaderSearch  = "reloader.stakater.com/search"
	reloaderMatch   = "reloader.stakater.com/match"
	reloaderIgnore  = "reloader.stakater.com/ignore"
	ReloaderSecrets = "secret.reloader.stakater.com/reload"

	ReloaderClasses = "secretproviderclass.reloader.stakater.com/reload"

	Wave = "wave.pusher.com/update-on-config-change"
)

// watched is a kind of object that Reloader watches, and its annotations for it.
type watched struct{ reload, auto, exclude string }

var (
	watchedSecrets = watched{ReloaderSecrets, "secret.reloader.stakater.com/auto", "secrets.exclude.reloader.stakater.com/reload"}
	// It watches classes only if its CSI integration is on, which it is not by default.
	watchedClasses = watched{ReloaderClasses, "secretproviderclass.reloader.stakater.com/auto", "secretproviderclasses.exclude.reloader.stakater.com/reload"}
)

// Reloaded is a workload as those programs see it: its kind, its own annotations, and its
// template's.
type Reloaded struct {
	Kind          string
	Own, Template map[string]string

	// patterns of the annotations that were asked about.
	patterns map[string]patterns
}

// Kinds that Reloader restarts, and those that Wave does. A pod stands for a template whose workload is not known.
var (
	reloaderKinds = []string{"Deployment", "StatefulSet", "DaemonSet", "Rollout", "CronJob", "Job", "Pod"}
	waveKinds     = []string{"Deployment", "StatefulSet", "DaemonSet"}
)

// OnSecret reports whether the workload, which uses the Secret, is restarted when it changes.
func (w *Reloaded) OnSecret(name string, annotations map[string]string) bool {
	return slices.Contains(waveKinds, w.Kind) && w.Own[Wave] == "true" || w.reloader(watchedSecrets, name, annotations)
}

// OnClass reports whether the workload, which mounts the class, is restarted when one of its objects changes. Only
// annotations that are for classes alone count: who writes one has switched the integration on.
func (w *Reloaded) OnClass(name string, annotations map[string]string) bool {
	_, own := w.Own[ReloaderClasses]
	_, auto := w.Own[watchedClasses.auto]
	if !own && !auto {
		_, own = w.Template[ReloaderClasses]
		_, auto = w.Template[watchedClasses.auto]
	}
	return (own || auto) && w.reloader(watchedClasses, name, annotations)
}

// Asks reports whether the workload asks one of the programs to restart it for some Secret or class.
func (w *Reloaded) Asks() bool {
	for _, annotations := range []map[string]string{w.Own, w.Template} {
		for _, key := range []string{ReloaderAuto, ReloaderSearch, watchedSecrets.auto, watchedClasses.auto} {
			if isTrue(annotations[key]) {
				return true
			}
		}
		if annotations[ReloaderSecrets] != "" || annotations[ReloaderClasses] != "" {
			return true
		}
	}
	return w.Own[Wave] == "true"
}

// Keys are the annotations of those programs that a workload or a template has, sorted.
func Keys(annotations map[string]string) []string {
	var keys []string
	for key := range annotations {
		if key == Wave || strings.HasPrefix(key, "reloader.stakater.com/") || strings.Contains(key, ".reloader.stakater.com/") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// reloader is Reloader's decision for an object that has changed. The workload's own annotations count,
// and its template's only if it has none of those that ask; what is left out is read from its own alone.
func (w *Reloaded) reloader(kind watched, name string, annotations map[string]string) bool {
	if !slices.Contains(reloaderKinds, w.Kind) || annotations[reloaderIgnore] == "true" {
		return false
	}
	asked := w.Own
	if !slices.ContainsFunc([]string{kind.reload, ReloaderSearch, ReloaderAuto, kind.auto}, func(key string) bool {
		_, ok := w.Own[key]
		return ok
	}) {
		asked = w.Template
	}
	for excluded := range strings.SplitSeq(w.Own[kind.exclude], ",") {
		if strings.TrimSpace(excluded) == name {
			return false
		}
	}
	return w.list(asked[kind.reload]).match(name) ||
		asked[ReloaderSearch] == "true" && annotations[reloaderMatch] == "true" ||
		isTrue(asked[ReloaderAuto]) || isTrue(asked[kind.auto])
}

// list is a list of patterns, read once: a pod has many Secrets.
func (w *Reloaded) list(value string) patterns {
	if value == "" {
		return nil
	}
	read, ok := w.patterns[value]
	if !ok {
		read = readPatterns(value)
		if w.patterns == nil {
			w.patterns = map[string]patterns{}
		}
		w.patterns[value] = read
	}
	return read
}

func isTrue(value string) bool {
	on, _ := strconv.ParseBool(value)
	return on
}
