package rules

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV028 checks the commands of containers for what undoes rotation: a file that a shell reads into a variable
// when the container starts, and a copy that an init container makes.
var readOnce = Rule{
	Rule: finding.Rule{
		ID: "AKV028", Name: "read-once", Severities: []finding.Severity{finding.Warning}, Waivable: true,
		Lookups:  finding.Classes,
		Summary:  "A command that puts the content of a mounted secret into a variable or an argument when the container starts, or an init container that copies it to another volume.",
		Prevents: "The program keeps what was there at the start: the file rotates, and the variable or the copy does not.",
		Evidence: "A shell expands $(cat FILE) once, before it runs the command; a copy is another file, which the driver does not know.",
		Remedy:   "Have the program read the file itself, each time or when it changes, or have the workload restarted (on-rotation: restart, or a reloader).",
	},
	Pod: checkReadOnce,
}

// How much is looked at: scripts in manifests are short, and a pod has room for a megabyte of them.
const (
	// maxScript is the longest word of a command that is.
	maxScript = 16 << 10
	// maxSearched is how many bytes of a pod's commands are, each counted for each folder that is looked for in it.
	maxSearched = 1 << 20
	// maxPlaces is in how many places of a script a folder is looked for.
	maxPlaces = 100
	// near is how much before a place says what is done with it.
	near = 200
)

// search looks through commands, while something is left of maxSearched.
type search struct{ searched int }

// may reports whether a text may be looked through for a number of folders.
func (s *search) may(text string, folders int) bool {
	s.searched += len(text) * folders
	return len(text) <= maxScript && s.searched <= maxSearched
}

func checkReadOnce(p *Pod, r *Report) {
	if len(p.Volumes) == 0 || p.restarts() || p.Target.RunsToCompletion() {
		return
	}
	shared := p.sharedPaths()
	s := &search{}
	workload.EachContainer(p.Spec, func(c workload.Container) {
		if len(c.Command)+len(c.Args) == 0 {
			return
		}
		var mounted []string
		var others []string
		for i := range c.VolumeMounts {
			m := &c.VolumeMounts[i]
			if v := p.volume(m.Name); v != nil && !p.reloadedOnClass(v) {
				mounted = append(mounted, path.Clean(m.MountPath))
			} else if v == nil && shared[m.Name] {
				others = append(others, path.Clean(m.MountPath))
			}
		}
		for _, at := range mounted {
			if at == "/" || r.NoMoreWarnings() {
				continue
			}
			s.checkCommand(c, at, others, c.Path(p.Target.SpecPath()), r)
		}
	})
}

// sharedPaths are the volumes, but those of the secrets store, that a container mounts which keeps running.
func (p *Pod) sharedPaths() map[string]bool {
	shared := map[string]bool{}
	workload.EachContainer(p.Spec, func(c workload.Container) {
		if !c.StaysUp() {
			return
		}
		for i := range c.VolumeMounts {
			shared[c.VolumeMounts[i].Name] = true
		}
	})
	return shared
}

func (s *search) checkCommand(c workload.Container, mounted string, others []string, place *finding.Place, r *Report) {
	for _, list := range []struct {
		name  string
		words []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, script := range list.words {
			if !s.may(script, 1+len(others)) {
				continue
			}
			if c.StaysUp() && readsOnce(script, mounted) {
				r.Warn(field.ErrorTypeForbidden, place.Child(list.name).Index(i),
					fmt.Sprintf("The shell of the container %q reads a file of %s once, when it starts; the program keeps that value when the secret rotates.", text.Shorten(c.Name), text.Shorten(mounted)),
					"Have the program read the file itself, or have the workload restarted at a rotation.")
				return
			}
			if !c.StaysUp() && copies(script, mounted, others) {
				reportCopy(c, mounted, place.Child(list.name).Index(i), r)
				return
			}
		}
	}
	// A command without a shell: cp, and its arguments.
	words := append(append([]string{}, c.Command...), c.Args...)
	script := func(word string) bool { return strings.ContainsAny(word, " \n") }
	if c.StaysUp() || len(words) < 2 || slices.ContainsFunc(words, script) {
		return
	}
	if whole := strings.Join(words, " "); s.may(whole, 1+len(others)) && copies(whole, mounted, others) {
		list := "command"
		if len(c.Command) == 0 {
			list = "args"
		}
		reportCopy(c, mounted, place.Child(list), r)
	}
}

func reportCopy(c workload.Container, mounted string, place *finding.Place, r *Report) {
	r.Warn(field.ErrorTypeForbidden, place,
		fmt.Sprintf("The init container %q copies from %s to a volume of the other containers, once; the copy stays as it is when the secret rotates.", text.Shorten(c.Name), text.Shorten(mounted)),
		"Mount the secrets in the containers that read them, or have the workload restarted at a rotation.")
}

var (
	// loops that read again.
	readsAgain = regexp.MustCompile(`\b(while|until|inotifywait|inotifyd|entr|fswatch|watch|watchexec)\b`)
	// Commands that say nothing of what is in a file.
	namesOnly = regexp.MustCompile(`^\s*(ls|find|dirname|basename|readlink|realpath|stat|test|pwd|date)\b`)
	// source FILE, . FILE, read X < FILE.
	sourced = regexp.MustCompile(`(?:^|[;&|\n{(]|\bthen|\bdo|\belse)\s*(?:source|\.|read(?:\s+-\w+)*\s+\w+\s*<)\s+["']?$`)
	looped  = regexp.MustCompile(`\bfor\s+(\w+)\s+in\s+["']?$`)
	// Commands in a row; what is piped belongs together.
	separators = regexp.MustCompile(`;|&&|\|\||\n`)
)

// readsOnce reports whether a script puts what is in a file below a folder into the environment, or into the
// arguments, of what it runs.
func readsOnce(script, folder string) bool {
	if !strings.Contains(script, folder) || readsAgain.MatchString(script) {
		return false
	}
	places := 0
	sh := &shell{script: script}
	for at := range occurrences(script, folder) {
		if places++; places > maxPlaces {
			return false
		}
		if sh.substitutes(at) {
			return true
		}
		before := script[max(0, at-near):at]
		if sourced.MatchString(strings.TrimRight(before, `"'`)) {
			return true
		}
		if m := looped.FindStringSubmatch(before); m != nil && readsVariable(script[at:min(len(script), at+maxLoop)], m[1]) {
			return true
		}
	}
	return false
}

// maxLoop is how much of a script behind the head of a loop is taken for the loop.
const maxLoop = 1 << 10

// readsVariable reports whether a script substitutes the content of the file that a variable names.
func readsVariable(script, variable string) bool {
	for _, ref := range []string{"$" + variable, "${" + variable + "}"} {
		sh := &shell{script: script}
		for at := range occurrences(script, ref) {
			if sh.substitutes(at) {
				return true
			}
		}
	}
	return false
}

// occurrences yields where a path stands in a script, as a whole: not /mnt/a in /mnt/ab.
func occurrences(script, folder string) func(func(int) bool) {
	return func(yield func(int) bool) {
		for from := 0; ; {
			i := strings.Index(script[from:], folder)
			if i < 0 {
				return
			}
			at, end := from+i, from+i+len(folder)
			if end == len(script) || !text.IsAlphanumeric(script[end]) && !strings.ContainsRune("-_.", rune(script[end])) {
				if !yield(at) {
					return
				}
			}
			from = end
		}
	}
}

// shell goes through a script, from one place to the next.
type shell struct {
	script string
	at     int
	// open are where the command substitutions begin that are open: $(…; and quoted the one in `…, or 0.
	open   []int
	quoted int
}

// substitutes reports whether a place, behind the last one, is in a command substitution that does more than name files.
func (s *shell) substitutes(place int) bool {
	for ; s.at < place; s.at++ {
		switch {
		case s.script[s.at] == '\\':
			s.at++
		case s.script[s.at] == '`':
			if s.quoted > 0 {
				s.quoted = 0
			} else {
				s.quoted = s.at + 1
			}
		case strings.HasPrefix(s.script[s.at:], "$("):
			s.open = append(s.open, s.at+2)
			s.at++
		case s.script[s.at] == ')' && len(s.open) > 0:
			s.open = s.open[:len(s.open)-1]
		}
	}
	from := s.quoted
	if len(s.open) > 0 {
		from = s.open[len(s.open)-1]
	}
	return from > 0 && from <= place && !namesOnly.MatchString(s.script[from:min(place, from+near)])
}

// copies reports whether one of the commands of a script names the folder, and one of the others behind it.
func copies(script, folder string, others []string) bool {
	if !strings.Contains(script, folder) || readsAgain.MatchString(script) {
		return false
	}
	for _, command := range separators.Split(script, -1) {
		if namesOnly.MatchString(command) {
			continue
		}
		first, ok := firstOf(occurrences(command, folder))
		if !ok {
			continue
		}
		for _, other := range others {
			if other == "/" || other == folder {
				continue
			}
			if last, ok := lastOf(occurrences(command, other)); ok && (last > first || strings.Contains(command, "-t ")) {
				return true
			}
		}
	}
	return false
}

func firstOf(places func(func(int) bool)) (first int, ok bool) {
	for at := range places {
		return at, true
	}
	return 0, false
}

func lastOf(places func(func(int) bool)) (last int, ok bool) {
	for at := range places {
		last, ok = at, true
	}
	return last, ok
}
