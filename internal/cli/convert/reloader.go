package convert

import (
	"fmt"
	"strings"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
)

// checkReloaders names what a program that restarts workloads would no longer find: an injected pod has its volumes, and
// the template has none.
func (c *conversion) checkReloaders() {
	if c.target.Owner == nil {
		return
	}
	for _, at := range []struct {
		annotations map[string]string
		place       *finding.Place
	}{{c.target.Owner.Annotations, finding.At("metadata", "annotations")}, {c.target.Meta.Annotations, c.target.AnnotationsPath()}} {
		for _, key := range annotation.Keys(at.annotations) {
			if !strings.HasPrefix(key, "secretproviderclass") {
				continue
			}
			c.notes.add(c.object, at.place.Key(key),
				fmt.Sprintf("The reloader finds no class in the template any more, so %s restarts nothing.", key),
				fmt.Sprintf("Write %s: akv-VAULT-.* (the generated classes' names, as a pattern), or %s: restart on the template.", annotation.ReloaderClasses, annotation.OnRotation))
		}
	}
}
