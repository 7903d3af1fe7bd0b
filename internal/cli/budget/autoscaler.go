package budget

import (
	"encoding/json"
	"strings"

	"akv-injector/internal/cli/manifest"
)

// nameOf is what an autoscaler and its workload have in common.
func nameOf(kind, namespace, name string) string { return kind + "/" + namespace + "/" + name }

// autoscaled are the most pods that HorizontalPodAutoscalers allow workloads, which counts: a limit is met when there are most.
func autoscaled(set *manifest.Set, cluster *manifest.Cluster) map[string]int {
	most := map[string]int{}
	for _, o := range set.Objects {
		if o.Kind != "HorizontalPodAutoscaler" || !strings.HasPrefix(o.APIVersion, "autoscaling/") {
			continue
		}
		var scaler struct {
			Spec struct {
				MaxReplicas    int `json:"maxReplicas"`
				ScaleTargetRef struct {
					Kind string `json:"kind"`
					Name string `json:"name"`
				} `json:"scaleTargetRef"`
			} `json:"spec"`
		}
		// One that cannot be read is told by the linter (AKV031).
		if json.Unmarshal(o.JSON, &scaler) == nil {
			target := nameOf(scaler.Spec.ScaleTargetRef.Kind, cluster.NamespaceOf(o), scaler.Spec.ScaleTargetRef.Name)
			most[target] = max(most[target], scaler.Spec.MaxReplicas)
		}
	}
	return most
}
