package rules

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV006 checks env and envFrom for Secrets that the mounted classes sync. The kubelet
// 1.37.2 resolves a variable once, when it starts the container (kubelet_pods.go,
// makeEnvironmentVariables): nothing changes it in a running process. A container that ends
// soon, or is restarted when the Secret changes, has a current value.
var envFromSyncedSecret = Rule{
	Rule: finding.Rule{
		ID: "AKV006", Name: "env-from-synced-secret", Severities: []finding.Severity{finding.Error, finding.Warning}, Waivable: true,
		Lookups: finding.Classes, Outdates: true,
		Summary:  "A variable from a Secret that is synced by a class which the same pod mounts: an error in a container that keeps running, a warning in init containers, in pods that run to completion and in workloads that a reloader restarts.",
		Prevents: "The variable keeps its value from the start of the container, although the Secret rotates.",
		Evidence: "The kubelet 1.37.2 resolves variables when it starts a container, and the environment of a running process cannot be changed from outside.",
		Remedy:   "Read the mounted file instead of the variable, or let a reloader restart the workload (Stakater Reloader, Wave).",
	},
	Pod: checkEnvFromSyncedSecret,
}

func checkEnvFromSyncedSecret(p *Pod, r *Report) {
	synced := p.syncedSecrets()
	if len(synced) == 0 {
		return
	}
	reloads := p.reloader()
	workload.EachContainer(p.Spec, func(c workload.Container) {
		report := func(place *finding.Place, what, secret string) {
			p.reportVariable(r, c, place, fmt.Sprintf("%s from the Secret %q, which a mounted class syncs,", what, text.Shorten(secret)), reloads(secret, synced[secret].Annotations))
		}
		for i := range c.Env {
			e := &c.Env[i]
			if e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil || synced[e.ValueFrom.SecretKeyRef.Name] == nil {
				continue
			}
			report(c.Path(p.Target.SpecPath()).Child("env").Index(i).Child("valueFrom", "secretKeyRef"),
				"The variable "+text.Shorten(e.Name), e.ValueFrom.SecretKeyRef.Name)
		}
		for i := range c.EnvFrom {
			if ref := c.EnvFrom[i].SecretRef; ref != nil && synced[ref.Name] != nil {
				report(c.Path(p.Target.SpecPath()).Child("envFrom").Index(i).Child("secretRef"), "Every variable", ref.Name)
			}
		}
	})
}

func (p *Pod) reportVariable(r *Report, c workload.Container, place *finding.Place, what string, reloads bool) {
	switch {
	case reloads:
		r.Warn(field.ErrorTypeForbidden, place,
			what+" keeps its value until the reloader restarts the pod.",
			"Read the file in the class's mount instead; rotation then needs no restart.")
	case p.restarts():
		r.Warn(field.ErrorTypeForbidden, place,
			what+" keeps its value until akv-injector restarts the workload.",
			"Read the file in the class's mount instead; rotation then needs no restart.")
	case p.Target.RunsToCompletion() || !c.StaysUp():
		r.Warn(field.ErrorTypeForbidden, place,
			what+" keeps its value while the container runs; a rotation in that time does not reach it.",
			"Read the file in the class's mount instead, or use the variable only right after the start.")
	default:
		fix := fmt.Sprintf("or, if something else restarts the pod, add AKV006 to %s.", annotation.Allow)
		if p.Target.Template {
			fix = fmt.Sprintf("or annotate the template for a reloader (%s: %q).", annotation.ReloaderAuto, "true")
		}
		r.Error(field.ErrorTypeForbidden, place,
			what+" keeps its value while the container runs; a rotated value never arrives.",
			"Remove the variable and read the file in the class's mount, "+fix)
	}
}

// reloader returns a function that reports whether a change of a Secret restarts the pods, by a program that
// its annotations ask. Nothing restarts a pod that a user created directly.
func (p *Pod) reloader() func(secret string, annotations map[string]string) bool {
	if !p.Target.Template && p.Target.Origin == workload.FromUser {
		return func(string, map[string]string) bool { return false }
	}
	known := map[string]bool{} // thousands of variables may be of one Secret
	return func(secret string, annotations map[string]string) bool {
		reloaded, ok := known[secret]
		if !ok {
			reloaded = p.reloaded(func(w *annotation.Reloaded) bool { return w.OnSecret(secret, annotations) }) ||
				p.reloadedWithClasses(secret)
			known[secret] = reloaded
		}
		return reloaded
	}
}

// reloadedWithClasses reports whether a change of a class that syncs the Secret restarts the pods.
func (p *Pod) reloadedWithClasses(secret string) bool {
	return slices.ContainsFunc(p.Volumes, func(v Volume) bool {
		return v.Class != nil && v.Class.Syncs(secret) && p.reloadedOnClass(&v)
	})
}

func (p *Pod) reloadedOnClass(v *Volume) bool {
	if !p.Target.Template && p.Target.Origin == workload.FromUser {
		return false
	}
	return p.reloaded(func(w *annotation.Reloaded) bool {
		var annotations map[string]string
		if v.Class != nil {
			annotations = v.Class.Annotations
		}
		return w.OnClass(v.ClassName, annotations)
	})
}

// reloaded asks about the workload as far as it is known. Pods that ask for injection are refused without their
// workload's annotations too, which are not on them: these have to have the same effect.
func (p *Pod) reloaded(is func(*annotation.Reloaded) bool) bool {
	if p.alone == nil {
		p.alone = &annotation.Reloaded{Kind: "Pod", Template: p.Target.Meta.Annotations}
		if p.Target.Owner != nil {
			p.whole = &annotation.Reloaded{Kind: p.Target.Kind, Own: p.Target.Owner.Annotations, Template: p.Target.Meta.Annotations}
		}
	}
	if p.whole == nil {
		return is(p.alone)
	}
	return is(p.whole) && (!p.Request.Asks || is(p.alone))
}
