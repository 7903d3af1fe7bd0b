package inject

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// maxLine is what the API server leaves of a warning when there are many (1.37.2).
const maxLine = 256

// Describe says in lines what pods of a target get: files and objects, class, identity,
// and the interval that was asked for beside the one that the cluster will really give.
// A target that is refused, or that mounts no secrets, gets none.
//
// Whether a generated class exists already is in the facts if somebody looked it up by
// the name that the decision has.
func Describe(t *workload.Target, r *Request, f facts.Facts, d *Decision) []string {
	if r.tooLarge || len(d.Errors()) > 0 || r.Asks && f.Namespace != nil && !annotation.OptedIn(f.Namespace) {
		return nil
	}
	s := &subject{t: t, r: r, f: f, spec: t.Spec}
	var p plan
	if r.Asks {
		p = newPlan(t, r, f, r.version)
		s.spec = p.apply(t)
	}
	s.volumes = storeVolumes(s.spec, t.SpecPath(), f, &p)
	if len(s.volumes) == 0 {
		return s.describeNothing()
	}
	var lines []string
	objects := 0
	for i := range s.volumes {
		v := &s.volumes[i]
		in, _ := s.objectsIn(v)
		objects += len(in)
		lines = append(lines, s.describeVolume(v)...)
		lines = append(lines, s.describeFiles(v, in)...)
		lines = append(lines, s.describeIdentity(v)...)
	}
	lines = append(lines, s.describeInterval(objects)...)
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

// describeNothing is for pods that ask, but whose plan is not complete yet.
func (s *subject) describeNothing() []string {
	if !s.r.Asks {
		return nil
	}
	return []string{cutLine(fmt.Sprintf("Identity and class are not known until the ServiceAccount %q names a client id and a tenant.",
		text.Shorten(s.r.accountPlanned())))}
}

// describeVolume says where the volume is mounted and which class is behind it.
func (s *subject) describeVolume(v *storeVolume) []string {
	class := "class " + text.Shorten(v.ClassName)
	stored, looked := s.f.Classes[v.ClassName]
	switch {
	case v.generated != nil && !looked:
		class += ", generated; it is made with the first pod if it is not there"
	case v.generated != nil && stored == nil:
		class += ", generated; it is made with the first pod"
	case v.generated != nil:
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
	s.eachMount(func(m mountRef) {
		if m.Name != v.Name {
			return
		}
		if _, ok := containers[m.MountPath]; !ok {
			paths = append(paths, m.MountPath)
		}
		containers[m.MountPath] = append(containers[m.MountPath], text.Shorten(m.container.Name))
	})
	for _, path := range paths {
		lines = append(lines, joinLines(fmt.Sprintf("Volume %s is mounted at %s in: ", text.Shorten(v.Name), text.Shorten(path)), containers[path])...)
	}
	if len(paths) == 0 {
		lines = append(lines, fmt.Sprintf("Volume %s is mounted in no container.", text.Shorten(v.Name)))
	}
	return lines
}

// describeFiles says which object of which vault becomes which file.
func (s *subject) describeFiles(v *storeVolume, objects []provider.Object) []string {
	if !v.azure() {
		return nil
	}
	mount := ""
	s.eachMount(func(m mountRef) {
		if mount == "" && m.Name == v.Name {
			mount = m.MountPath
		}
	})
	files := make([]string, 0, len(objects))
	for _, o := range objects {
		file := workload.FilePath(mount, o.File(), s.t.Windows())
		if o.VersionHistory > 1 {
			file = workload.FilePath(file, "0", s.t.Windows()) + " and older"
		}
		files = append(files, fmt.Sprintf("%s = %s/%s", file, o.Type, o.Name))
	}
	return joinLines(fmt.Sprintf("From vault %s: ", text.Shorten(v.Parameter(provider.ParamVault))), files)
}

// describeIdentity says who reads the vault, and who says so.
func (s *subject) describeIdentity(v *storeVolume) []string {
	account := text.Shorten(workload.AccountOf(s.spec))
	switch {
	case v.generated != nil:
		line := fmt.Sprintf("Identity %s (%s), tenant %s (%s), with the token of ServiceAccount %s.",
			v.Parameters[provider.ParamClient], s.source(s.r.ClientID), v.Parameters[provider.ParamTenant], s.source(s.r.TenantID), account)
		return []string{line}
	case !v.azure():
		return nil
	case provider.IsOn(v.Parameters, provider.ParamVMIdentity):
		return []string{fmt.Sprintf("Identity: the node's (class %s).", text.Shorten(v.ClassName))}
	case v.Parameter(provider.ParamClient) != "":
		tenant := or(v.Parameter(provider.ParamTenant), v.Parameter(provider.ParamTenantOld))
		return []string{fmt.Sprintf("Identity %s, tenant %s (class %s), with the token of ServiceAccount %s.",
			text.Shorten(v.Parameter(provider.ParamClient)), text.Shorten(tenant), text.Shorten(v.ClassName), account)}
	case v.CSI.NodePublishSecretRef != nil:
		return []string{fmt.Sprintf("Identity: the service principal in the Secret %s.", text.Shorten(v.CSI.NodePublishSecretRef.Name))}
	}
	return nil
}

// source says where a setting was found.
func (s *subject) source(setting Setting) string {
	switch setting.Level {
	case OnPod:
		return "annotation of the pod"
	case OnNamespace:
		return "annotation of the namespace"
	case OnServer:
		return "setting of akv-injector"
	case Unset, OnServiceAccount:
	}
	return "ServiceAccount " + text.Shorten(workload.AccountOf(s.spec))
}

// describeInterval says how soon a rotated secret arrives.
func (s *subject) describeInterval(objects int) []string {
	asked, source := s.askedInterval()
	rotation := s.f.Rotation()
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
func (s *subject) askedInterval() (value, source string) {
	if s.r.Asks && s.r.Interval.Value != "" {
		return s.r.Interval.Value, s.source(s.r.Interval)
	}
	var shortest time.Duration
	for i := range s.volumes {
		raw, ok := s.volumes[i].CSI.VolumeAttributes[provider.AttributeInterval]
		if d, _, usable := provider.ParseInterval(raw); ok && usable && (value == "" || d < shortest) {
			value, source, shortest = raw, "volume "+text.Shorten(s.volumes[i].Name), d
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
