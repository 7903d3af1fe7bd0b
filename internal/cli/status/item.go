package status

import "time"

// Status is the verdict on one mounted object.
type Status string

const (
	// Current is a mount with the newest version.
	Current Status = "current"
	// Stale is a mount, or a running container, with another version than the newest.
	Stale Status = "stale"
	// Empty is a volume of a running container that has no mount at all.
	Empty Status = "empty"
	// Pending is a volume of a pod none of whose containers has started.
	Pending Status = "pending"
	// Unknown is everything that could not be determined.
	Unknown Status = "unknown"
)

// Code says in a word what stands behind a verdict. Codes are part of the JSON form: they
// may become more, and keep their meaning.
type Code string

const (
	// Why a mount is stale.

	// Pinned: the class asks for one version, and gets it.
	Pinned Code = "Pinned"
	// Due: the driver has not looked since the newest version was made, and will.
	Due Code = "Due"
	// Overdue: the driver should have looked by now.
	Overdue Code = "Overdue"
	// IntervalUnknown: how often the driver polls is not known.
	IntervalUnknown Code = "IntervalUnknown"
	// RotationOff: the cluster's driver does not rotate.
	RotationOff Code = "RotationOff"
	// MountError: an event reports a mount that failed since the newest version was made.
	MountError Code = "MountError"
	// NewestDisabled: Key Vault does not give the newest version out.
	NewestDisabled Code = "NewestDisabled"
	// ObjectNotFound: the vault has no such object, or has it deleted.
	ObjectNotFound Code = "ObjectNotFound"
	// NotMounted: the class names the object, and the driver has not mounted it.
	NotMounted Code = "NotMounted"
	// NotInClass: the driver has mounted the object, and the class no longer names it.
	NotInClass Code = "NotInClass"
	// SubPath and SyncedVariable: a container goes on with what it started with.
	SubPath        Code = "SubPath"
	SyncedVariable Code = "SyncedVariable"

	// NoMount: the driver has not recorded any mount of the volume.
	NoMount Code = "NoMount"
	// NotStarted: no container of the pod has started.
	NotStarted Code = "NotStarted"

	// Why something is unknown.

	// MountedLate: a container is older than the mount, and may see an empty folder.
	MountedLate Code = "MountedLate"
	// ClassNotFound: the class does not exist; nothing is rotated without it.
	ClassNotFound Code = "ClassNotFound"
	// ClassInvalid: the class's objects could not be read.
	ClassInvalid Code = "ClassInvalid"
	// SharedClass: two volumes of the pod have this class, and one record together.
	SharedClass Code = "SharedClass"
	// SharedObject: two entries of the class have one record together.
	SharedObject Code = "SharedObject"
	// OtherProvider: the object is in no Key Vault.
	OtherProvider Code = "OtherProvider"
	// VaultUnknown: the vault could not be asked.
	VaultUnknown Code = "VaultUnknown"
)

// Reason is a code and what it means here, in words.
type Reason struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// Version is one version of an object. What the vault did not say is left out.
type Version struct {
	Version string     `json:"version"`
	Created *time.Time `json:"created,omitempty"`
	Enabled *bool      `json:"enabled,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

// Item is one mounted object of one pod: a row of the table, and the JSON form.
type Item struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Node      string `json:"node,omitempty"`
	Volume    string `json:"volume"`
	Class     string `json:"secretProviderClass"`
	Cloud     string `json:"cloud,omitempty"`
	Vault     string `json:"vault,omitempty"`
	// Object is the provider's id of it: secret/DB-Password, or secret/DB-Password/0 where
	// the class keeps a history. Empty where the objects of a volume are not known.
	Object string `json:"object,omitempty"`
	// File is its path in the mount.
	File string `json:"file,omitempty"`
	// Mounted is the version that the driver has recorded, nil if it has none.
	Mounted *Version `json:"mounted,omitempty"`
	// Newest is the version that should be mounted: the vault's newest, or, for an older
	// one of a history, the one at its place. Nil if it is not known, or there is none.
	Newest *Version `json:"newest,omitempty"`
	// StaleSince is when the version after the mounted one was made.
	StaleSince *time.Time `json:"staleSince,omitempty"`
	Status     Status     `json:"status"`
	Reasons    []Reason   `json:"reasons,omitempty"`
}

// Key names the item among those of all times: pod, volume, object and file.
func (i *Item) Key() [5]string {
	return [5]string{i.Namespace, i.Pod, i.Volume, i.Object, i.File}
}

// Same reports whether two states of one item differ in nothing but the time that passes.
func (i *Item) Same(other *Item) bool {
	if i.Status != other.Status || id(i.Mounted) != id(other.Mounted) || id(i.Newest) != id(other.Newest) ||
		i.Node != other.Node || len(i.Reasons) != len(other.Reasons) {
		return false
	}
	for n := range i.Reasons {
		if i.Reasons[n].Code != other.Reasons[n].Code {
			return false
		}
	}
	return true
}

func id(v *Version) string {
	if v == nil {
		return ""
	}
	return v.Version
}
