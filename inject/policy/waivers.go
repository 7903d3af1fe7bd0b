package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

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

// Waiver of a rule.
type Waiver struct {
	// Until is the end, zero if there is none: the waiver counts before it.
	Until time.Time
	// Because is the reason, as it was written.
	Because string
	// Place of the annotation.
	Place *finding.Place
}

// Ended reports whether the waiver does not count any more. Where the time is not known it does.
func (w Waiver) Ended(now time.Time) bool {
	return !w.Until.IsZero() && !now.IsZero() && !now.Before(w.Until)
}

// Last is the last day on which the waiver counts.
func (w Waiver) Last() string { return w.Until.Add(-time.Second).UTC().Format(time.DateOnly) }

// Waivers by the rule's id.
type Waivers map[string]Waiver

// ParseWaivers reads a list of rules to allow: AKV001, or AKV001 until 2027-03-01 because WORDS. A reason goes on
// to the end of its line.
func (r Rules) ParseWaivers(value string, path *finding.Place) (Waivers, finding.FieldErrors) {
	waived := Waivers{}
	var errs finding.FieldErrors
	items := waiverItems(value)
	if len(items) > maxWaivers {
		return nil, finding.FieldErrors{finding.TooMany(path, len(items), maxWaivers)}
	}
	for _, item := range items {
		id, rest, _ := strings.Cut(item, " ")
		rule := r.ByID(id)
		switch {
		case rule == nil:
			errs = append(errs, finding.NotSupported(path, id, r.waivable()))
			continue
		case !rule.Waivable:
			errs = append(errs, finding.NotSupported(path, id+" ("+rule.Name+", which cannot be waived)", r.waivable()))
			continue
		}
		w, problem := parseWaiver(strings.TrimSpace(rest))
		if problem.Found() {
			errs = append(errs, finding.Invalid(path, item, problem))
			continue
		}
		w.Place = path
		waived[id] = w
	}
	return waived, errs
}

// waiverItems splits a list as text.List does, but for reasons, which may have commas.
func waiverItems(value string) []string {
	var items []string
	for line := range strings.Lines(value) {
		line, _, _ = strings.Cut(line, "#")
		for line != "" {
			item, rest, more := strings.Cut(line, ",")
			if strings.Contains(item, " "+because+" ") || !more {
				item, rest = line, ""
			}
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
			line = rest
		}
	}
	return items
}

const (
	until   = "until"
	because = "because"
)

// parseWaiver reads what may stand behind the id.
func parseWaiver(text string) (Waiver, finding.Problem) {
	var w Waiver
	if rest, ok := strings.CutPrefix(text, until+" "); ok {
		day, more, _ := strings.Cut(strings.TrimSpace(rest), " ")
		end, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return w, finding.Problem{What: "has no date behind until", Fix: "write it as 2027-03-01"}
		}
		w.Until, text = end.AddDate(0, 0, 1), strings.TrimSpace(more)
	}
	if rest, ok := strings.CutPrefix(text, because+" "); ok && strings.TrimSpace(rest) != "" {
		w.Because, text = strings.TrimSpace(rest), ""
	}
	if text != "" {
		return w, finding.Problem{What: "has words behind the rule's id that mean nothing", Fix: "write AKV001, or AKV001 until 2027-03-01 because REASON"}
	}
	return w, finding.Problem{}
}

// waives reports whether the rule is waived now. A pod that a controller creates keeps its waiver: no date keeps a
// pod that ran before from starting again on another node.
func (p *Policy) waives(waived Waivers, rule string) bool {
	w, ok := waived[rule]
	return ok && (!w.Ended(p.now) || p.origin != workload.FromUser)
}

// Ended are the findings about waivers that have ended: errors, but for pods that a controller creates.
func (p *Policy) Ended() []finding.Finding {
	severity := finding.Error
	if p.origin != workload.FromUser {
		severity = finding.Warning
	}
	var found []finding.Finding
	for _, id := range slices.Sorted(maps.Keys(p.waived)) {
		w := p.waived[id]
		if !w.Ended(p.now) {
			continue
		}
		reason := ""
		if w.Because != "" {
			reason = fmt.Sprintf(" (%s %q)", because, text.Shorten(w.Because))
		}
		found = append(found, finding.Finding{
			Severity: severity, Type: field.ErrorTypeInvalid, Place: w.Place, Lasting: true,
			Message: fmt.Sprintf("The waiver of %s%s ended after %s.", id, reason, w.Last()),
			Fix:     "Correct the cause and remove it, or write a later date.",
		})
	}
	return found
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
	rules := make(map[string]bool, len(waived))
	for id := range waived {
		rules[id] = p.waives(waived, id)
	}
	return rules
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
