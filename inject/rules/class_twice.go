package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV010 checks that all secrets-store volumes of a pod have different classes. The driver
// keeps one SecretProviderClassPodStatus per pod and class: two volumes of one class
// overwrite each other's record. The rotation loop of driver 1.4.8 reads that record and
// expects the first volume in it: the second never rotates, nor does the first once the
// record is of the second. With 1.6.0 both rotate, and each poll writes the record twice.
var classTwice = Rule{
	Rule: finding.Rule{
		ID: "AKV010", Name: "class-twice", Severities: []finding.Severity{finding.Error},
		Summary:  "One SecretProviderClass in two volumes of a pod.",
		Prevents: "The driver keeps one record for both volumes. With driver 1.4 one of them never rotates, often neither; 1.6 rotates both, and rewrites the record at each poll.",
		Evidence: "Secrets Store CSI driver 1.4.8 and 1.6.0 keep one SecretProviderClassPodStatus per pod and class.",
		Remedy:   "Remove one volume and mount the other wherever it is needed.",
	},
	Pod: checkClassTwice,
	// Each class is compared with each: in a pod of more volumes the webhook does it.
	Policy: `size(variables.classes) > 100 || variables.classes.all(c, variables.classes.exists_one(other, other == c))`,
}

func checkClassTwice(p *Pod, r *Report) {
	first := map[string]string{}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if v.ClassName == "" {
			continue
		}
		if name, ok := first[v.ClassName]; ok {
			r.Error(field.ErrorTypeDuplicate, v.classPlace(),
				fmt.Sprintf("The volume %q mounts the SecretProviderClass %q too; the driver keeps one record for both, and with driver 1.4 one or both never rotate.", text.Shorten(name), text.Shorten(v.ClassName)),
				fmt.Sprintf("Remove one volume and mount %q in every container that needs it.", text.Shorten(name)))
			continue
		}
		first[v.ClassName] = v.Name
	}
}
