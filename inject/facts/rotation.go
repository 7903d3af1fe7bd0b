package facts

import (
	"time"

	storagev1 "k8s.io/api/storage/v1"

	"akv-injector/inject/provider"
)

// Rotation is what the cluster does to keep mounted secrets current, as far as it is known.
type Rotation struct {
	// Known is set if the driver's flags are known.
	Known bool
	// Off says why nothing is rotated, or is empty.
	Off string
	// Interval is the driver's --rotation-poll-interval, if Known.
	Interval time.Duration
	// Kubelet is set if the kubelet's cadence comes on top of Interval.
	Kubelet bool
}

// Rotation is what these facts say of it.
func (f *Facts) Rotation() Rotation {
	var r Rotation
	if f.Driver == nil {
		// Without the flags only this can be told, and only of drivers since 1.6.
		return r
	}
	r.Known, r.Interval, r.Kubelet = true, f.Driver.PollInterval, f.Driver.Republishes()
	switch {
	case !f.Driver.Rotation:
		r.Off = "the driver runs without --enable-secret-rotation"
	case r.Kubelet && f.CSIDriver != nil && !republish(f.CSIDriver):
		r.Off = "the CSIDriver " + provider.DriverName + " has no requiresRepublish: true"
	}
	return r
}

func republish(d *storagev1.CSIDriver) bool {
	return d.Spec.RequiresRepublish != nil && *d.Spec.RequiresRepublish
}

// AndKubelet says what comes on top of the interval.
func (r Rotation) AndKubelet() string {
	if !r.Kubelet {
		return ""
	}
	return "; the kubelet's own round adds up to 90s"
}
