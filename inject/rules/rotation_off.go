package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV015 compares what the cluster does with the interval that the pod, its namespace or a volume
// asks for. Rotation is off by default, and no released driver reads a volume's interval (verified
// with 1.4.8 and 1.6.0). Before 1.6 the driver's own --rotation-poll-interval decides. From 1.6 on
// the kubelet asks, every 60 to 90 s, and the flag is how long the driver skips what it has
// written. Where akv-injector drives rotation, the kubelet asks in time, and there is nothing to
// report. If the flags are not known, the rule reports nothing.
var rotationOff = Rule{
	Rule: finding.Rule{
		ID: "AKV015", Name: "rotation-off", Severities: []finding.Severity{finding.Warning},
		Summary:  "A cluster whose driver does not rotate, or looks for new versions more slowly than the pod asks for.",
		Prevents: "A rotated secret never arrives, or arrives later than the manifest asks for.",
		Evidence: "Secrets Store CSI driver 1.4.8 and 1.6.0: --enable-secret-rotation is off by default, and no volume's interval is read. Before 1.6 a loop polls at --rotation-poll-interval. Since 1.6 the kubelet asks every 60 to 90 s (requiresRepublish; measured), and the flag is how long the driver skips what it has written.",
		Remedy:   "Turn rotation on: az aks addon update --addon azure-keyvault-secrets-provider --enable-secret-rotation. With driver 1.6, let akv-injector drive rotation (--rotation=drive); with an older one, shorten its interval: --rotation-poll-interval 30s.",
	},
	Pod: checkRotationOff,
}

var aksAddon = "on AKS run: " + text.Command("az aks addon update -g {group} -n {cluster} --addon azure-keyvault-secrets-provider --enable-secret-rotation", nil)

func checkRotationOff(p *Pod, r *Report) {
	rotation := p.Facts.Rotation()
	if !rotation.Known || len(p.Volumes) == 0 {
		return
	}
	if rotation.Off != "" {
		fix := rotation.Fix
		if fix == "" {
			fix = "Turn rotation on; " + aksAddon
		}
		r.Warn(field.ErrorTypeForbidden, p.Volumes[0].classPlace(),
			"A rotated secret never arrives, because in this cluster "+rotation.Off+".",
			fix)
		return
	}
	report := func(path *finding.Place, value string) {
		asked, _, ok := provider.ParseInterval(value)
		switch {
		case !ok:
		case rotation.Kubelet && asked < facts.KubeletRound && !p.Policy.DrivesRotation:
			r.Warn(field.ErrorTypeInvalid, path,
				fmt.Sprintf("The kubelet asks the driver every 60 to 90 s, not every %s%s.", text.Shorten(value), rotation.Gate()),
				"Run akv-injector with --rotation=drive, and the pod in a namespace without "+annotation.Rotation+"="+annotation.RotationOff+".")
		case !rotation.Kubelet && asked < rotation.Interval:
			r.Warn(field.ErrorTypeInvalid, path,
				fmt.Sprintf("The driver polls every %s (its own flag), not every %s.", text.Duration(rotation.Interval), text.Shorten(value)),
				"Shorten the driver's interval; "+aksAddon+" --rotation-poll-interval "+text.Duration(asked))
		}
	}
	if interval := p.Request.Interval; p.Request.Asks && interval.Path != nil {
		report(interval.Path, interval.Value)
	}
	// As submitted, as in the rule poll-interval.
	for i := range p.Target.Spec.Volumes {
		v := &p.Target.Spec.Volumes[i]
		if _, ok := provider.ClassName(v); !ok {
			continue
		}
		if value, ok := v.CSI.VolumeAttributes[provider.AttributeInterval]; ok && (!p.Request.Asks || value != p.Request.Interval.Value) {
			report(p.Target.SpecPath().Child("volumes").Index(i).Child("csi", "volumeAttributes").Key(provider.AttributeInterval), value)
		}
	}
}
