// Package description says in lines what pods will get, for dry runs and previews.
package description

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
	"akv-injector/inject/rules"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// maxLine is what the API server leaves of a warning when there are many (1.37.2).
const maxLine = 256

// Of says in lines what pods of the target get: files and objects, class, identity,
// and the interval that was asked for beside the one that the cluster will really give.
// Pods that mount no secrets get none.
//
// Whether a generated class exists already is in the facts if it was looked up by the name
// that the plan has.
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
	lines = append(lines, s.interval(objects)...)
	for i := range lines {
		lines[i] = cutLine(lines[i])
	}
	// Several volumes are mostly read with one identity.
	var said []string
	for _, l := range lines {
		if !slices.Contains(said, l) {
			said = append(said, l)
		}
	}
	return said
}

// description is what there is to say of a pod.
type description struct {
	pod   *rules.Pod
	facts facts.Facts
}

// nothing is for pods that ask, but whose plan is not complete yet.
func (s *description) nothing() []string {
	if !s.pod.Request.Asks {
		return nil
	}
	return []string{cutLine(fmt.Sprintf("Identity and class are not known until the ServiceAccount %q names a client id and a tenant.",
		text.Shorten(s.pod.Request.AccountPlanned())))}
}

// volume says where the volume is mounted and which class is behind it.
func (s *description) volume(v *rules.Volume) []string {
	class := "class " + text.Shorten(v.ClassName)
	stored, looked := s.facts.Classes[v.ClassName]
	switch {
	case v.Generated != nil && !looked:
		class += ", generated; it is made with the first pod if it is not there"
	case v.Generated != nil && stored == nil:
		class += ", generated; it is made with the first pod"
	case v.Generated != nil:
		class += ", generated; it exists"
	case !looked:
		class += "; whether it exists is not known"
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

// files says which object of which vault becomes which file.
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

// identity says who reads the vault, and who says so.
func (s *description) identity(v *rules.Volume) []string {
	account := text.Shorten(workload.AccountOf(s.pod.Spec))
	switch {
	case v.Generated != nil:
		line := fmt.Sprintf("Identity %s (%s), tenant %s (%s), with the token of ServiceAccount %s.",
			v.Parameters[provider.ParamClient], s.source(s.pod.Request.ClientID), v.Parameters[provider.ParamTenant], s.source(s.pod.Request.TenantID), account)
		return []string{line}
	case !v.Azure():
		return nil
	case provider.IsOn(v.Parameters, provider.ParamVMIdentity):
		return []string{fmt.Sprintf("Identity: the node's (class %s).", text.Shorten(v.ClassName))}
	case v.Parameter(provider.ParamClient) != "":
		tenant := cmp.Or(v.Parameter(provider.ParamTenant), v.Parameter(provider.ParamTenantOld))
		return []string{fmt.Sprintf("Identity %s, tenant %s (class %s), with the token of ServiceAccount %s.",
			text.Shorten(v.Parameter(provider.ParamClient)), text.Shorten(tenant), text.Shorten(v.ClassName), account)}
	case v.CSI.NodePublishSecretRef != nil:
		return []string{fmt.Sprintf("Identity: the service principal in the Secret %s.", text.Shorten(v.CSI.NodePublishSecretRef.Name))}
	}
	return nil
}

// source says where a setting was found.
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

// interval says how soon a rotated secret arrives.
func (s *description) interval(objects int) []string {
	asked, source := s.askedInterval()
	rotation := s.facts.Rotation()
	ask := "No interval is asked for"
	if asked != "" {
		ask = fmt.Sprintf("Asked for: every %s (%s)", text.Shorten(asked), source)
	}
	switch {
	case !rotation.Known:
		return []string{ask + "; what the cluster's driver does is not known here."}
	case rotation.Off != "":
		return []string{ask + "; nothing rotates, since " + rotation.Off + "."}
	}
	lines := []string{fmt.Sprintf("%s; the driver looks every %s%s.", ask, text.Duration(rotation.Interval), rotation.AndKubelet())}
	if objects > 0 && rotation.Interval > 0 {
		polls := max(1, int(time.Hour/rotation.Interval))
		lines = append(lines, fmt.Sprintf("About %d vault calls an hour for each pod (objects: %d, polls: %d).", objects*polls, objects, polls))
	}
	return lines
}

// askedInterval is the shortest that is asked for, and where.
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

// joinLines joins items behind a beginning, in as many lines as they need.
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

// cutLine holds the bound where one thing alone is longer.
func cutLine(line string) string {
	line = text.Printable(line)
	if utf8.RuneCountInString(line) <= maxLine {
		return line
	}
	return string([]rune(line)[:maxLine-1]) + "…"
}
