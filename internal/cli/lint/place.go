package lint

import (
	"akv-injector/inject/finding"
	"akv-injector/internal/cli/manifest"
)

// Place gives what the engine found about an object its places in files.
func Place(cluster *manifest.Cluster, o *manifest.Object, found []finding.Finding) []Finding {
	c := &checker{cluster: cluster}
	findings := make([]Finding, 0, len(found))
	for _, f := range found {
		findings = append(findings, c.place(o, cluster.From(o), f))
	}
	return findings
}
