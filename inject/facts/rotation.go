package facts

import (
	"fmt"
	"time"

	storagev1 "k8s.io/api/storage/v1"

	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// Rotation is how the cluster keeps mounted secrets current, as far as it is known.
type Rotation struct {
	// Known is set if the driver's flags are known.
	Known bool
	// Off is the reason why nothing is rotated, or empty.
	Off string
	// Fix is a clause that says how to turn it on, if there is more to say than that.
	Fix string
	// Interval is the driver's --rotation-poll-interval, if Known.
	Interval time.Duration
	// Kubelet is set if the kubelet asks the driver (from 1.6 on), every 60 to 90 s. Interval is
	// then how long the driver skips what it has written.
	Kubelet bool
}

// KubeletRound is the longest time between two of the kubelet's looks at the volumes of a pod
// (1.37.2 with its default syncFrequency, measured).
const KubeletRound = 90 * time.Second

// KubeletEvery is the average, whatever the driver's flag says (measured).
const KubeletEvery = 75 * time.Second

// Rotation is how the cluster rotates according to the facts.
func (f *Facts) Rotation() Rotation {
	var r Rotation
	if f.Driver == nil {
		// Without the driver's flags nothing is known of rotation.
		return r
	}
	r.Known, r.Interval, r.Kubelet = true, f.Driver.PollInterval, f.Driver.Republishes()
	switch {
	case f.Driver.BadInterval != "":
		r.Off = fmt.Sprintf("the driver does not start: its --rotation-poll-interval=%s is no duration", text.Shorten(f.Driver.BadInterval))
		r.Fix = "Write it with a unit, such as --rotation-poll-interval=2m."
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

// Words say how the cluster looks for new versions.
func (r Rotation) Words() string {
	if !r.Kubelet {
		return "the driver polls every " + text.Duration(r.Interval)
	}
	return "the kubelet asks the driver every 60 to 90 s" + r.Gate()
}

// Gate is a clause for what the driver skips, or empty.
func (r Rotation) Gate() string {
	if !r.Kubelet || r.Interval <= 0 {
		return ""
	}
	return "; the driver skips what it wrote less than " + text.Duration(r.Interval) + " ago"
}

// Every is how often the driver looks for new versions, on average; 0 is never. Where nothing is known, it is taken for one
// that the kubelet asks.
func (r Rotation) Every() time.Duration {
	switch {
	case r.Off != "":
		return 0
	case !r.Known, r.Kubelet:
		return KubeletEvery
	}
	return max(0, r.Interval)
}

// Looks is about how many times an hour the driver looks for new versions.
func (r Rotation) Looks() int {
	every := r.Every()
	if every == 0 {
		return 0
	}
	return max(1, int(time.Hour/every))
}
