package facts

import (
	"time"

	storagev1 "k8s.io/api/storage/v1"

	"akv-injector/inject/provider"
)

// Rotation is how the cluster keeps mounted secrets current, as far as it is known.
type Rotation struct {
	// Known is set if the driver's flags are known.
	Known bool
	// Off is the reason why nothing is rotated, or empty.
	Off string
	// Interval is the driver's --rotation-poll-interval, if Known.
	Interval time.Duration
	// Kubelet is set if the kubelet's own interval is added to Interval.
	Kubelet bool
}

// Rotation is how the cluster rotates according to the facts.
func (f *Facts) Rotation() Rotation {
	var r Rotation
	if f.Driver == nil {
		// Without the driver's flags nothing is known of rotation.
		return r
	}
	r.Known, r.Interval, r.Kubelet = true, f.Driver.PollInterval, f.Driver.Republishes()
	switch {
	case !f.Driver.Rotation:
		r.Off = "the driver runs without --enable-secret-rotation"
	case r.Kubelet && f.CSIDriver != nil && !Republishes(f.CSIDriver):
		r.Off = "the CSIDriver " + provider.DriverName + " has no requiresRepublish: true"
	}
	return r
}

// Republishes reports whether the kubelet asks the driver again for volumes that are mounted.
func Republishes(d *storagev1.CSIDriver) bool {
	return d.Spec.RequiresRepublish != nil && *d.Spec.RequiresRepublish
}

// AndKubelet is a clause for the time that the kubelet adds to the interval, or empty.
func (r Rotation) AndKubelet() string {
	if !r.Kubelet {
		return ""
	}
	return "; the kubelet's own round adds up to 90s"
}
