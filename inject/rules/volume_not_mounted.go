package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV024 checks whether a container mounts each secrets-store volume. The kubelet 1.37.2 sets up only
// volumes that some container mounts (desired_state_of_world_populator.go, GetPodVolumeNames).
var volumeNotMounted = Rule{
	Rule: finding.Rule{
		ID: "AKV024", Name: "volume-not-mounted", Severities: []finding.Severity{finding.Warning},
		Summary:  "A secrets-store volume that no container mounts.",
		Prevents: "The driver is never asked: there are no files, and no Secret is synced or rotated.",
		Evidence: "The kubelet 1.37.2 skips volumes that no container mounts (desired_state_of_world_populator.go).",
		Remedy:   "Mount the volume in a container, also where only a synced Secret is read, or remove it.",
	},
	Pod: checkVolumeNotMounted,
}

func checkVolumeNotMounted(p *Pod, r *Report) {
	if len(p.Volumes) == 0 {
		return
	}
	mounted := map[string]bool{}
	workload.EachContainer(p.Spec, func(c workload.Container) {
		for i := range c.VolumeMounts {
			mounted[c.VolumeMounts[i].Name] = true
		}
	})
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if mounted[v.Name] || v.Asked != nil {
			continue
		}
		r.Warn(field.ErrorTypeInvalid, v.place,
			fmt.Sprintf("No container mounts the volume %q, so the kubelet never asks the driver: there are no files, and no Secret is synced.", text.Shorten(v.Name)),
			"Mount it in a container, also where only the synced Secret is read, or remove it.")
	}
}
