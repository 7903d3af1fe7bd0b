package lint

import (
	"fmt"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
)

// namesakes finds objects that stand in a folder twice, with other content.
func namesakes(set *manifest.Set, cluster *manifest.Cluster) []Finding {
	var found []Finding
	c := &checker{cluster: cluster}
	for _, n := range set.Namesakes(cluster) {
		where := fmt.Sprintf("in line %d", n.First.Line())
		if n.First.File != n.Second.File {
			where = fmt.Sprintf("in %s:%d", n.First.File, n.First.Line())
		}
		found = append(found, c.place(n.Second, cluster.From(n.Second), finding.Finding{
			Rule: inject.RuleNamesakes().ID, Severity: finding.Warning, Place: finding.At("metadata", "name"),
			Message: fmt.Sprintf("The %s %q stands %s already, with other content; of the two, the one that is applied last is left.", n.Second.Kind, n.Second.Name, where),
			Fix:     "Give one of them another name, or remove it.",
		}))
	}
	return found
}

// ambiguous says that an object was judged without another, since there are several of that name.
func ambiguous(c *checker, o *manifest.Object, view *manifest.View, pod *workload.Shape, doubt manifest.Ambiguity) Finding {
	place := pod.SpecPath()
	switch doubt.Kind {
	case "ServiceAccount":
		place = place.Child("serviceAccountName")
	case "SecretProviderClass":
		for i := range pod.Spec.Volumes {
			if name, ok := provider.ClassName(&pod.Spec.Volumes[i]); ok && name == doubt.Name {
				place = place.Child("volumes").Index(i).Child("csi", "volumeAttributes").Key(provider.AttributeClass)
				break
			}
		}
	}
	return c.place(o, view, finding.Finding{
		Rule: inject.RuleNamesakes().ID, Severity: finding.Warning, Place: pod.Real(place),
		Message: "Judged without it: " + doubt.String() + ".",
		Fix:     "Put it beside what uses it, or check one folder at a time.",
	})
}

// tellElsewhere says once of each object in another folder that others were judged without it.
func (r *Report) tellElsewhere(results []result) {
	told := map[*manifest.Object]bool{}
	for _, found := range results {
		for _, doubt := range found.elsewhere {
			o := doubt.Among[0]
			if told[o] {
				continue
			}
			told[o] = true
			r.Problems = append(r.Problems, manifest.Problem{File: o.File, Line: o.Line(), Note: true, Message: doubt.String()})
		}
	}
}
