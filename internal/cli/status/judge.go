package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"akv-injector/inject/facts"
	"akv-injector/keyvault"
)

// Answer is what a vault says of an object, or why it says nothing.
type Answer struct {
	State *keyvault.State
	// Unknown is why State is nil, empty if it was not asked for.
	Unknown string
}

// passing is what the driver and the vault take besides.
const passing = 15 * time.Second

// Judge says what stands behind a mount, given what the vault says of its object and what
// the cluster's driver does.
func Judge(m *Mount, a Answer, r facts.Rotation, now time.Time) Item {
	j := judgement{Item: m.Item, m: m, a: a, rotation: r, now: now}
	j.describe()
	switch {
	case !m.recorded && m.reason == nil && m.started:
		j.set(Empty, NoMount, "never mounted, so that its containers see an empty folder; delete the pod, and the next one has a new volume")
		j.failed(time.Time{})
	case !m.recorded && m.reason == nil:
		j.set(Pending, NotStarted, "the pod has not started")
		j.failed(time.Time{})
	case m.reason != nil:
		j.set(Unknown, m.reason.Code, m.reason.Message)
		j.failed(m.since)
	case m.object == nil:
		j.set(Stale, NotInClass, "the class no longer names the object; its file goes with the next mount")
	case a.State == nil:
		j.unknown()
	default:
		j.compare()
	}
	j.containers()
	return j.Item
}

// judgement is an item in the making.
type judgement struct {
	Item
	m        *Mount
	a        Answer
	rotation facts.Rotation
	now      time.Time
}

func (j *judgement) set(s Status, code Code, message string) {
	j.Status = s
	j.because(code, message)
}

func (j *judgement) because(code Code, message string) {
	j.Reasons = append(j.Reasons, Reason{code, message})
}

// describe takes from the vault's answer when the versions were made.
func (j *judgement) describe() {
	s := j.a.State
	if s == nil || j.m.object == nil {
		return
	}
	if due := j.due(); due != nil {
		j.Newest = newVersion(due)
	}
	if j.Mounted == nil {
		return
	}
	if v := s.Version(j.Mounted.Version); v != nil {
		j.Mounted = newVersion(v)
		j.StaleSince = after(s, v)
	}
}

func newVersion(v *keyvault.Version) *Version {
	out := &Version{Version: v.ID, Enabled: &v.Enabled}
	if !v.Created.IsZero() {
		out.Created = &v.Created
	}
	if !v.Expires.IsZero() {
		out.Expires = &v.Expires
	}
	return out
}

// after is when the first version after one was made.
func after(s *keyvault.State, mounted *keyvault.Version) *time.Time {
	var first *time.Time
	for i := range s.Versions {
		created := &s.Versions[i].Created
		if created.After(mounted.Created) && (first == nil || created.Before(*first)) {
			first = created
		}
	}
	return first
}

// due is the version that should be mounted, nil if there is none.
func (j *judgement) due() *keyvault.Version {
	s := j.a.State
	if j.m.place < 0 || s.Truncated {
		return s.Newest()
	}
	if kept := j.history(); j.m.place < len(kept) {
		return &kept[j.m.place]
	}
	return nil
}

// history are the versions that the provider 1.8.2 keeps files of: the enabled ones, the
// newest first.
func (j *judgement) history() []keyvault.Version {
	var kept []keyvault.Version
	for _, v := range j.a.State.Versions {
		if v.Enabled {
			kept = append(kept, v)
		}
	}
	return kept
}

// latest is understood by the provider where a history is kept.
const latest = "latest"

func (j *judgement) pinned() bool {
	v := j.m.object.Version
	return v != "" && (v != latest || j.m.place < 0)
}

func (j *judgement) unknown() {
	why := j.a.Unknown
	if why == "" {
		why = "the vault was not queried"
	}
	j.set(Unknown, VaultUnknown, why)
	if j.pinned() {
		j.because(Pinned, pinnedMessage)
	}
	j.failed(j.m.since)
}

const pinnedMessage = "the class asks for this one version; a rotated one never arrives"

// compare is the verdict where everything is known.
func (j *judgement) compare() {
	s := j.a.State
	switch {
	case s.Truncated:
		j.set(Unknown, VaultUnknown, fmt.Sprintf("the vault has more than %d versions of the object, and lists them in no order", len(s.Versions)))
	case !s.Exists():
		j.set(Stale, ObjectNotFound, "the vault has no such object; what is mounted is what it had")
		j.failed(j.m.since)
	case j.Mounted != nil && j.isDue():
		j.Status, j.StaleSince = Current, nil
		if j.pinned() {
			j.because(Pinned, pinnedMessage)
		}
	case j.pinned():
		j.set(Stale, Pinned, pinnedMessage)
		if j.Mounted == nil {
			j.failed(j.m.since)
		}
	default:
		j.Status = Stale
		j.why()
	}
}

// isDue reports whether the mounted version is the one that should be.
func (j *judgement) isDue() bool {
	if j.m.place < 0 {
		return j.a.State.IsNewest(j.Mounted.Version)
	}
	due, mounted := j.due(), j.a.State.Version(j.Mounted.Version)
	return due != nil && mounted != nil && mounted.Created.Equal(due.Created)
}

// why says what keeps the newest version from being mounted.
func (j *judgement) why() {
	newest := j.due()
	if newest == nil { // a place of the history without a version
		j.because(NotInClass, "the vault has no such older version any more; its file goes with the next mount")
		return
	}
	if j.Mounted == nil {
		j.because(NotMounted, "the class names the object, and the driver has not mounted it yet")
	}
	switch {
	case j.rotation.Off != "":
		j.because(RotationOff, "nothing rotates, because "+j.rotation.Off)
		return
	case j.m.place < 0 && !newest.Enabled && j.m.object.Type == string(keyvault.Secret):
		// Keys and certificates are given out anyway.
		j.because(NewestDisabled, "the newest version is disabled, and Key Vault does not give it out; enable it, or set a new one")
	}
	made := newest.Created
	if j.m.place > 0 {
		made = j.history()[0].Created // by which all older ones move
	}
	if j.failed(made) || len(j.Reasons) > 0 {
		return // of what is not mounted, when the class was changed is not known
	}
	j.wait(made)
}

// wait says how long the driver may still take.
func (j *judgement) wait(made time.Time) {
	if !j.rotation.Known {
		j.because(IntervalUnknown, "the driver has not mounted the newest version yet; how often it looks is not known")
		return
	}
	limit := j.rotation.Interval + passing
	if j.rotation.Kubelet {
		limit += facts.KubeletRound
	}
	if by := made.Add(limit); j.now.Before(by) {
		j.because(Due, j.rotation.Words()+": due by "+by.UTC().Format("15:04:05Z"))
		return
	}
	where := ""
	if j.Node != "" {
		where = " on node " + j.Node
	}
	hint := "see the driver's log" + where
	if j.rotation.Kubelet {
		hint += ": driver 1.6 reports a failed rotation nowhere else"
	}
	j.because(Overdue, j.rotation.Words()+"; it should have mounted it by now; "+hint)
}

// failed adds the last failure that is not older than a time, and reports whether there is
// one. Events have times in seconds, like Key Vault's versions.
func (j *judgement) failed(since time.Time) bool {
	f := j.m.failure
	if f == nil || f.at.Before(since.Truncate(time.Second)) {
		return false
	}
	j.because(MountError, "the mount failed: "+f.summary())
	return true
}

// containers adds what running containers see of the mount.
func (j *judgement) containers() {
	if len(j.m.late) > 0 {
		names := make([]string, 0, len(j.m.late))
		for _, c := range j.m.late {
			names = append(names, c.name)
		}
		j.because(MountedLate, fmt.Sprintf("older than the mount, and so with an empty folder maybe: container %s; delete the pod to be sure", strings.Join(names, ", ")))
		if j.Status == Current {
			j.Status = Unknown
		}
	}
	var made *time.Time
	if j.Mounted != nil {
		made = j.Mounted.Created
	}
	for i := range j.m.outdated {
		r, stale := j.m.outdated[i].reason(made)
		if slices.Contains(j.Reasons, r) {
			continue
		}
		j.Reasons = append(j.Reasons, r)
		if stale && (j.Status == Current || j.Status == Unknown) {
			j.Status = Stale
		}
	}
}
