package refresh

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Pods are the pods by what is known of them.
type Pods struct{ Current, Stale, Unrecorded int }

// Count counts the pods.
func (s *state) Count() Pods {
	var n Pods
	for _, p := range s.pods {
		switch {
		case p.stale != "":
			n.Stale++
		case len(p.mounts) < len(p.Asked):
			n.Unrecorded++
		default:
			n.Current++
		}
	}
	return n
}

// Objects are the objects of the pods' classes by what is known of them. One can be in several.
type Objects struct {
	// Mixed are in pods of a class with different versions.
	Mixed int
	// Listed are those of which a vault's list tells more: whether the newest version is disabled, has
	// expired, or expires soon.
	Listed, Disabled, Expired, Expiring int
}

// CountObjects counts the objects. One that expires within soon is Expiring.
func (s *state) CountObjects(now time.Time, soon time.Duration) Objects {
	var n Objects
	for _, o := range s.objects {
		if o.answer == nil {
			continue
		}
		n.Listed++
		if o.answer.Disabled {
			n.Disabled++
		}
		switch expires := o.answer.Expires; {
		case expires.IsZero():
		case !expires.After(now):
			n.Expired++
		case expires.Before(now.Add(soon)):
			n.Expiring++
		}
	}
	for key, c := range s.classes {
		n.Mixed += c.mixed(key)
	}
	return n
}

// mixed is how many objects of a class have more than one version in its pods.
func (c *class) mixed(key types.NamespacedName) int {
	first, several := map[string]string{}, map[string]bool{}
	for _, p := range c.pods {
		r := p.mounts[key.Name]
		if r == nil {
			continue
		}
		for id, version := range r.Versions {
			if known, ok := first[id]; !ok {
				first[id] = version
			} else if known != version {
				several[id] = true
			}
		}
	}
	return len(several)
}

// Load is how many times more is asked for than the limits allow: with 2 the intervals that are really
// kept are twice as long as those that pods ask for. Up to 1 all can be kept.
func (s *state) Load(callsPerVault float64) float64 {
	calls := map[string]float64{}
	for _, o := range s.objects {
		if o.asked > 0 {
			calls[o.key.Cloud+"/"+o.key.Vault] += 1 / soonEnough(o.asked).Seconds()
		}
	}
	load := 0.0
	for _, perSecond := range calls {
		load = max(load, perSecond/callsPerVault)
	}
	canaries := 0.0
	for _, c := range s.canaries.all {
		if asked := c.asked(); asked > 0 && asked < canaryBelow {
			canaries += 1 / soonEnough(asked).Seconds()
		}
	}
	// Half of the nudges may be canaries'.
	return max(load, canaries/(s.limits.Nudges/2))
}
