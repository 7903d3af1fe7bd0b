package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV005 checks the annotation rotation-poll-interval and the volumeAttribute
// rotationPollInterval. No released driver reads the attribute (verified with 1.6.0: the
// driver's own flag decides). But a later driver could refuse or misread a value that is not
// an interval, and with one under 10s Key Vault throttles requests.
var pollInterval = Rule{
	Rule: finding.Rule{
		ID: "AKV005", Name: "poll-interval", Severities: []finding.Severity{finding.Error}, Waivable: true,
		Lookups:  finding.Namespace,
		Summary:  "A rotationPollInterval that is not a duration, not positive, or under 10s.",
		Prevents: "No released driver reads a volume's own interval. A driver that does would find no usable interval, or poll so often that Key Vault throttles every pod that reads the vault.",
		Evidence: "Secrets Store CSI driver 1.6.0 reads only its own --rotation-poll-interval; the format is Go's time.ParseDuration.",
		Remedy:   "Write a Go duration of at least 10s, such as 2m.",
	},
	Pod: checkPollInterval,
	// What is no duration must not get to the function, whose error would be the answer.
	Policy: `variables.volumes.map(v, v.csi.?volumeAttributes[?'` + provider.AttributeInterval + `']).filter(i, i.hasValue()).map(i, i.value())` +
		`.all(i, i.matches('^[+]?(([0-9]{1,9}([.][0-9]{0,9})?|[.][0-9]{1,9})(ns|us|ms|s|m|h)){1,8}$') && duration(i) >= duration('10s'))`,
}

func checkPollInterval(p *Pod, r *Report) {
	report := func(path *finding.Place, value string, problem finding.Problem) {
		r.Error(field.ErrorTypeInvalid, path,
			fmt.Sprintf("Rotation cannot use the interval %q: %s.", text.Shorten(value), problem.What),
			"Write a Go duration of at least 10s, such as 2m.")
	}
	if interval := p.Request.Interval; p.Request.Asks && interval.Path != nil && interval.Value != "" {
		if problem := provider.IntervalProblem(interval.Value); problem.Found() {
			report(interval.Path, interval.Value, problem)
		}
	}
	// The volumes as submitted, not as planned: a planned interval is that of the request.
	for i := range p.Target.Spec.Volumes {
		v := &p.Target.Spec.Volumes[i]
		if _, ok := provider.ClassName(v); !ok {
			continue
		}
		value, ok := v.CSI.VolumeAttributes[provider.AttributeInterval]
		if p.Request.Asks && value == p.Request.Interval.Value {
			continue // reported above; the second round of an admission must not report more than the first
		}
		if ok {
			if problem := provider.IntervalProblem(value); problem.Found() {
				report(p.Target.SpecPath().Child("volumes").Index(i).Child("csi", "volumeAttributes").Key(provider.AttributeInterval), value, problem)
			}
		}
	}
}
