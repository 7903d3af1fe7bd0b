package policy

import (
	"maps"
	"strings"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/request"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// maxWaivers is how many rules an annotation may waive. Each wrong one is an error of its own.
const maxWaivers = 100

func (p *Policy) errorf(e *finding.FieldError) { p.Errors = append(p.Errors, e) }

// parseWaivers reads the waivers of the pod, and those of the workload around a template.
// A workload's own annotations are not copied to its pods: its waivers count only if the pods
// ask for nothing, since such pods of a controller are admitted anyway.
func (p *Policy) parseWaivers(t *workload.Target, asks bool) {
	if value, ok := t.Meta.Annotations[annotation.Allow]; ok {
		p.addWaivers(value, t.AnnotationPath(annotation.Allow), true)
	}
	if t.Owner == nil {
		return
	}
	if value, ok := t.Owner.Annotations[annotation.Allow]; ok {
		path := request.OwnerAnnotation(annotation.Allow)
		p.addWaivers(value, path, !asks)
		if asks {
			p.errorf(finding.Forbidden(path, finding.Problem{
				What: "pods that ask for injection do not get the workload's own annotation, and are refused",
				Fix:  "move it to " + t.AnnotationPath(annotation.Allow).String(),
			}))
		}
	}
}

func (p *Policy) addWaivers(value string, path *finding.Place, counts bool) {
	if p.forbidWaivers {
		p.errorf(finding.Forbidden(path, finding.Problem{
			What: "waivers are switched off on this cluster (--forbid-allow)",
			Fix:  "correct the cause and remove the annotation",
		}))
		return
	}
	waived, errs := p.rules.ParseWaivers(value, path)
	p.Errors = append(p.Errors, errs...)
	if !counts {
		return
	}
	if p.waived == nil {
		p.waived = waived
		return
	}
	maps.Copy(p.waived, waived)
}

// ParseWaivers reads a list of rule ids to allow.
func (r Rules) ParseWaivers(value string, path *finding.Place) (map[string]bool, finding.FieldErrors) {
	waived := map[string]bool{}
	var errs finding.FieldErrors
	ids := text.List(value)
	if len(ids) > maxWaivers {
		return nil, finding.FieldErrors{finding.TooMany(path, len(ids), maxWaivers)}
	}
	for _, id := range ids {
		rule := r.ByID(id)
		switch {
		case rule == nil:
			errs = append(errs, finding.NotSupported(path, id, r.waivable()))
		case !rule.Waivable:
			errs = append(errs, finding.NotSupported(path, id+" ("+rule.Name+", which cannot be waived)", r.waivable()))
		default:
			waived[id] = true
		}
	}
	return waived, errs
}

// WaivedBy are the rules that a mounted class waives for its own content.
func (p *Policy) WaivedBy(class *facts.Class) map[string]bool {
	if class == nil || p.forbidWaivers {
		return nil
	}
	value, ok := class.Annotations[annotation.Allow]
	if !ok {
		return nil
	}
	waived, _ := p.rules.ParseWaivers(value, nil)
	return waived
}

// ByClass downgrades a finding about a class's content if the class waives the rule.
func ByClass(waived map[string]bool, f finding.Finding) finding.Finding {
	if f.Severity != finding.Error || !waived[f.Rule] {
		return f
	}
	return f.Downgraded("allowed: waived by the class's allow annotation")
}

// parseClass reads the annotations and labels under our prefix that a class has.
func (p *Policy) parseClass(class *facts.Class) {
	annotations := finding.At("metadata", "annotations")
	for _, k := range annotation.Ours(class.Annotations) {
		path := annotations.Key(k)
		short := strings.TrimPrefix(k, annotation.Prefix)
		switch a, _, ok := annotation.Find(k); {
		case k == annotation.Allow:
			p.addWaivers(class.Annotations[k], path, true)
		case k == annotation.UnusedSince && class.Generated():
			// Set by the collector of unused classes.
		case ok && a.Pod:
			p.errorf(finding.Forbidden(path, finding.Problem{What: "belongs on the pods that mount the class", Fix: "move it to their annotations"}))
		case ok:
			p.errorf(finding.Forbidden(path, finding.Problem{What: "belongs on the namespace, where a platform team sets it", Fix: "remove it from the class"}))
		default:
			p.errorf(finding.Invalid(path, short, finding.Problem{What: "no such annotation of akv-injector", Fix: text.DidYouMean(short, []string{"allow"})}))
		}
	}
	for _, k := range annotation.Ours(class.Labels) {
		p.errorf(finding.Forbidden(finding.At("metadata", "labels").Key(k), finding.Problem{What: "akv-injector has no label for classes", Fix: "remove it"}))
	}
}
