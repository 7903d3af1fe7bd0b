// Package description describes in lines what pods will get, for dry runs and previews.
package description

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
	"akv-injector/inject/rules"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// maxLine is the length to which the API server cuts warnings if there are many (1.37.2).
const maxLine = 256

// Of describes in lines what pods of the target get: files and objects, class, identity, and
// the requested interval beside the actual interval of the cluster. It returns nothing for
// pods that mount no secrets.
//
// The lines report whether a generated class exists if the facts have it by the name in the
// plan.
func Of(pod *rules.Pod, f facts.Facts) []string {
	s := &description{pod: pod, facts: f}
	if len(pod.Volumes) == 0 {
		return s.nothing()
	}
	var lines []string
	objects := 0
	for i := range pod.Volumes {
		v := &pod.Volumes[i]
		in, _ := pod.ObjectsIn(v)
		objects += len(in)
		lines = append(lines, s.volume(v)...)
		lines = append(lines, s.files(v, in)...)
		lines = append(lines, s.identity(v)...)
	}
	lines = append(lines, s.rotation(objects)...)
	for i := range lines {
		lines[i] = cutLine(lines[i])
	}
	// Volumes often have the same identity, and then the same line about it.
	var distinct []string
	for _, l := range lines {
		if !slices.Contains(distinct, l) {
			distinct = append(distinct, l)
		}
	}
	return distinct
}

// description builds the lines about a pod.
type description struct {
	pod   *rules.Pod
	facts facts.Facts
}

// nothing describes pods that ask for injection, but have no secrets yet because the plan is
// not complete.
func (s *description) nothing() []string {
	if !s.pod.Request.Asks {
		return nil
	}
	return []string{cutLine(fmt.Sprintf("Identity and class are not known until the ServiceAccount %q names a client id and a tenant.",
		text.Shorten(s.pod.Request.AccountPlanned())))}
}

// volume describes the class of a volume and where the volume is mounted.
func (s *description) volume(v *rules.Volume) []string {
	class := "class " + text.Shorten(v.ClassName)
	stored, looked := s.facts.Classes[v.ClassName]
	switch {
	case v.Generated != nil && !looked:
		class += ", generated; created with the first pod if it does not exist"
	case v.Generated != nil && stored == nil:
		class += ", generated; created with the first pod"
	case v.Generated != nil:
		class += ", generated; exists"
	case !looked:
		class += "; it is not known whether it exists"
	case stored == nil:
		class += ", which does not exist yet"
	default:
		class += ", which exists"
	}
	lines := []string{fmt.Sprintf("Volume %s: %s.", text.Shorten(v.Name), class)}
	var paths []string
	containers := map[string][]string{}
	s.pod.EachMount(func(m rules.Mount) {
		if m.Name != v.Name {
			return
		}
		if _, ok := containers[m.MountPath]; !ok {
			paths = append(paths, m.MountPath)
		}
		containers[m.MountPath] = append(containers[m.MountPath], text.Shorten(m.Container.Name))
	})
	for _, path := range paths {
		lines = append(lines, joinLines(fmt.Sprintf("Volume %s is mounted at %s in: ", text.Shorten(v.Name), text.Shorten(path)), containers[path])...)
	}
	if len(paths) == 0 {
		lines = append(lines, fmt.Sprintf("Volume %s is mounted in no container.", text.Shorten(v.Name)))
	}
	return lines
}

// files describes which object of which vault becomes which file.
func (s *description) files(v *rules.Volume, objects []provider.Object) []string {
	if !v.Azure() {
		return nil
	}
	mount := ""
	s.pod.EachMount(func(m rules.Mount) {
		if mount == "" && m.Name == v.Name {
			mount = m.MountPath
		}
	})
	files := make([]string, 0, len(objects))
	for _, o := range objects {
		file := workload.FilePath(mount, o.File(), s.pod.Target.Windows())
		if o.VersionHistory > 1 {
			file = workload.FilePath(file, "0", s.pod.Target.Windows()) + " and older"
		}
		files = append(files, fmt.Sprintf("%s = %s/%s", file, o.Type, o.Name))
	}
	return joinLines(fmt.Sprintf("From vault %s: ", text.Shorten(v.Parameter(provider.ParamVault))), files)
}

// identity describes which identity reads the vault, and where it is set.
func (s *description) identity(v *rules.Volume) []string {
	account := text.Shorten(workload.AccountOf(s.pod.Spec))
	switch {
	case v.Generated != nil:
		line := fmt.Sprintf("Identity %s%s (%s), tenant %s (%s), with the token of ServiceAccount %s.",
			v.Parameters[provider.ParamClient], throughBinding(v), s.source(s.pod.Request.ClientID), v.Parameters[provider.ParamTenant], s.source(s.pod.Request.TenantID), account)
		return []string{line}
	case !v.Azure():
		return nil
	case provider.IsOn(v.Parameters, provider.ParamVMIdentity):
		return []string{fmt.Sprintf("Identity: the node's (class %s).", text.Shorten(v.ClassName))}
	case v.Parameter(provider.ParamClient) != "":
		tenant := cmp.Or(v.Parameter(provider.ParamTenant), v.Parameter(provider.ParamTenantOld))
		return []string{fmt.Sprintf("Identity %s%s, tenant %s (class %s), with the token of ServiceAccount %s.",
			text.Shorten(v.Parameter(provider.ParamClient)), throughBinding(v), text.Shorten(tenant), text.Shorten(v.ClassName), account)}
	case v.CSI.NodePublishSecretRef != nil:
		return []string{fmt.Sprintf("Identity: the service principal in the Secret %s.", text.Shorten(v.CSI.NodePublishSecretRef.Name))}
	}
	return nil
}

// throughBinding says so.
func throughBinding(v *rules.Volume) string {
	if provider.IsOn(v.Parameters, provider.ParamTokenProxy) {
		return " through an identity binding"
	}
	return ""
}

// source describes where a setting was found.
func (s *description) source(setting request.Setting) string {
	switch setting.Level {
	case request.OnPod:
		return "annotation of the pod"
	case request.OnNamespace:
		return "annotation of the namespace"
	case request.OnServer:
		return "setting of akv-injector"
	case request.Unset, request.OnServiceAccount:
	}
	return "ServiceAccount " + text.Shorten(workload.AccountOf(s.pod.Spec))
}

// rotation describes how soon a rotated secret arrives, and what happens then.
func (s *description) rotation(objects int) []string {
	return append(append(s.interval(objects), s.restart()...), s.gate()...)
}

// gate describes what the pod's readiness waits for.
func (s *description) gate() []string {
	switch r := s.pod.Request; {
	case r.MountedGate:
		return []string{"The pod is Ready only when the driver has recorded all its mounts (readiness gate " + annotation.ConditionMounted + ")."}
	case r.WantsGate:
		return []string{"mounted-gate has no effect now: akv-injector cannot open such a gate here (mountedGate.enabled, Kubernetes 1.30)."}
	}
	return nil
}

// interval describes how soon a rotated secret arrives.
func (s *description) interval(objects int) []string {
	asked, source := s.askedInterval()
	rotation := s.facts.Rotation()
	ask := "No interval requested"
	if asked != "" {
		ask = fmt.Sprintf("Requested interval: %s (%s)", text.Shorten(asked), source)
	}
	switch {
	case !rotation.Known:
		return []string{ask + "; the driver's interval is not known."}
	case rotation.Off != "":
		return []string{ask + "; nothing rotates, because " + rotation.Off + "."}
	}
	lines := []string{ask + "; " + s.arrival(asked, rotation) + "."}
	if polls := rotation.Looks(); objects > 0 && polls > 0 {
		lines = append(lines, fmt.Sprintf("About %d vault calls an hour for each pod (objects: %d, polls: %d).", objects*polls, objects, polls))
	}
	return lines
}

// arrival describes how soon a new version arrives.
func (s *description) arrival(asked string, rotation facts.Rotation) string {
	if !s.pod.Policy.DrivesRotation || !rotation.Kubelet || asked == "" {
		return rotation.Words()
	}
	words := "a new version arrives within it"
	if d, _, ok := provider.ParseInterval(asked); ok && d < rotation.Interval {
		words += ", and one within " + text.Duration(rotation.Interval) + " of another when the driver looks again"
	}
	return words
}

// restart describes what happens to the workload after a rotation, if it asks for anything.
func (s *description) restart() []string {
	o := &s.pod.Request.OnRotation
	switch {
	case (o.Restart || o.EvictEmpty) && !s.pod.Policy.Restarts:
		return []string{"on-rotation and on-empty have no effect: akv-injector runs without restarts (restart.enabled)."}
	case !o.Restart:
		return nil
	}
	what := "the workload is restarted"
	if o.Evict {
		what = "the pods are evicted one after the other"
	}
	line := fmt.Sprintf("After a rotation: %s, when nothing has changed for %s", what, text.Duration(o.Settle))
	if window := o.Window.String(); window != "" {
		line += ", in the window " + text.Shorten(window)
	}
	return []string{line + "."}
}

// askedInterval returns the shortest interval that is asked for, and where that is set.
func (s *description) askedInterval() (value, source string) {
	if s.pod.Request.Asks && s.pod.Request.Interval.Value != "" {
		return s.pod.Request.Interval.Value, s.source(s.pod.Request.Interval)
	}
	var shortest time.Duration
	for i := range s.pod.Volumes {
		raw, ok := s.pod.Volumes[i].CSI.VolumeAttributes[provider.AttributeInterval]
		if d, _, usable := provider.ParseInterval(raw); ok && usable && (value == "" || d < shortest) {
			value, source, shortest = raw, "volume "+text.Shorten(s.pod.Volumes[i].Name), d
		}
	}
	return value, source
}

// joinLines joins items after a beginning, in as many lines as they need.
func joinLines(beginning string, items []string) []string {
	var lines []string
	line := ""
	for _, item := range items {
		switch {
		case line == "":
			line = beginning + item
		case utf8.RuneCountInString(line)+len(", ")+utf8.RuneCountInString(item)+len(".") > maxLine:
			lines = append(lines, line+".")
			line = beginning + item
		default:
			line += ", " + item
		}
	}
	if line != "" {
		lines = append(lines, line+".")
	}
	return lines
}

// cutLine cuts a line in which a single item is too long.
func cutLine(line string) string {
	line = text.Printable(line)
	if utf8.RuneCountInString(line) <= maxLine {
		return line
	}
	return string([]rune(line)[:maxLine-1]) + "…"
}
