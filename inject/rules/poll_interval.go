package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV005 reads the annotation and volumeAttributes.rotationPollInterval. No released
// driver reads the attribute (tried with 1.6.0: the driver's own flag decides), but a
// value that is not an interval is one that some later driver would refuse or take for
// another, and one under 10s asks Key Vault for throttling.
var pollInterval = Rule{
	Rule: finding.Rule{
		ID: "AKV005", Name: "poll-interval", Severities: []finding.Severity{finding.Error}, Waivable: true,
		Lookups:  finding.Namespace,
		Summary:  "A rotationPollInterval that is not a duration, not positive, or under 10s.",
		Prevents: "No released driver reads a volume's own interval. One that does would be throttled by Key Vault, with every pod that reads the vault, or find no interval at all.",
		Evidence: "Secrets Store CSI driver 1.6.0 reads its own --rotation-poll-interval and no volume's; the format is Go's time.ParseDuration.",
		Remedy:   "Write a Go duration of at least 10s, such as 2m.",
	},
	Pod: checkPollInterval,
}

func checkPollInterval(p *Pod, r *Report) {
	report := func(path *finding.Place, value string, problem finding.Problem) {
		r.Error(field.ErrorTypeInvalid, path,
			fmt.Sprintf("Rotation cannot go by the interval %q: %s.", text.Shorten(value), problem.What),
			"Write a Go duration of at least 10s, such as 2m.")
	}
	if interval := p.Request.Interval; p.Request.Asks && interval.Path != nil && interval.Value != "" {
		if problem := provider.IntervalProblem(interval.Value); problem.Found() {
			report(interval.Path, interval.Value, problem)
		}
	}
	// The volumes as they were written, not as planned: the plan's interval is the request's.
	for i := range p.Target.Spec.Volumes {
		v := &p.Target.Spec.Volumes[i]
		if _, ok := provider.ClassName(v); !ok {
			continue
		}
		value, ok := v.CSI.VolumeAttributes[provider.AttributeInterval]
		if p.Request.Asks && value == p.Request.Interval.Value {
			continue // told above; the second round of an admission must tell no more than the first
		}
		if ok {
			if problem := provider.IntervalProblem(value); problem.Found() {
				report(p.Target.SpecPath().Child("volumes").Index(i).Child("csi", "volumeAttributes").Key(provider.AttributeInterval), value, problem)
			}
		}
	}
}
