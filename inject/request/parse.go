package request

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// parser fills a Request from the annotations.
type parser struct {
	*Request
	target   *workload.Target
	ns       *corev1.Namespace
	settings Settings
	hints    text.Hints
}

func (p *parser) errorf(e *finding.FieldError) { p.Errors = append(p.Errors, e) }

// namespaceErrorf reports an error that also depends on the namespace's annotations.
func (p *parser) namespaceErrorf(e *finding.FieldError) {
	e.Lookups |= finding.Namespace
	p.errorf(e)
}

func (p *parser) pod(key string) (string, bool) {
	v, ok := p.target.Meta.Annotations[key]
	return v, ok
}

func (p *parser) parse() {
	t := p.target
	if errs := oversize(t); len(errs) > 0 {
		p.Errors, p.TooLarge = errs, true
		return
	}
	keys := annotation.Ours(t.Meta.Annotations)
	p.Errors = append(p.Errors, checkVocabulary(keys, true, t.AnnotationsPath())...)
	p.parseLabels()
	p.parseOnRotation()
	p.parseOwner()
	p.parseBetween()
	p.NamesObjects = namesObjects(keys)
	if optedOut := p.parseInject(keys); optedOut || !p.NamesObjects {
		p.refuseOwnMarks()
		return
	}
	p.Asks = true
	p.parseSettings()
	p.parseMounts(keys)
	if p.TooLarge {
		return
	}
	p.parseContainers()
	p.parseEnv()
	p.parseMountedGate()
	if err := p.overgrown(); err != nil {
		p.errorf(err)
		p.TooLarge = true
	}
}

// namesObjects reports whether the keys of a pod's annotations name something to mount.
func namesObjects(keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		return k == annotation.Objects || k == annotation.SecretProviderClass || strings.HasPrefix(k, annotation.Objects+".")
	})
}

// parseInject reads the opt-out, and reports settings of a pod that mounts nothing.
func (p *parser) parseInject(keys []string) (optedOut bool) {
	path := p.target.AnnotationPath(annotation.Inject)
	if value, ok := p.pod(annotation.Inject); ok {
		on, problem := parseBool(value)
		if problem.Found() {
			p.errorf(finding.Invalid(path, value, problem))
		} else if !on {
			return true
		}
	}
	if p.NamesObjects {
		return false
	}
	for _, k := range keys {
		a, _, ok := annotation.Find(k)
		if ok && a.Pod && !a.ByHand {
			p.errorf(finding.Required(p.target.AnnotationPath(annotation.Objects), finding.Problem{What: fmt.Sprintf("%s is set, but the pod names nothing to mount", text.Shorten(k)), Fix: fmt.Sprintf("add %s (or %s), or remove the annotation", annotation.Objects, annotation.SecretProviderClass)}))
			break
		}
	}
	return false
}

// parseMountedGate reads whether the pod is to be Ready only with its files.
func (p *parser) parseMountedGate() {
	place := p.target.AnnotationPath(annotation.MountedGate)
	value, onPod := p.pod(annotation.MountedGate)
	if !onPod {
		var ok bool
		if value, ok = p.ns.Annotations[annotation.MountedGate]; !ok {
			return
		}
		place = NamespaceAnnotation(annotation.MountedGate)
	}
	on, problem := parseBool(value)
	switch {
	case problem.Found() && onPod:
		p.errorf(finding.Invalid(place, value, problem))
	case problem.Found():
		p.namespaceErrorf(finding.Invalid(place, value, problem))
	}
	p.WantsGate = on && !problem.Found()
	p.MountedGate = p.WantsGate && p.settings.MountedGate
}

func (p *parser) parseOnRotation() {
	var errs finding.FieldErrors
	p.OnRotation, errs = ReadOnRotation(p.target.Meta.Annotations, p.ns.Annotations, func(key string, onPod bool) *finding.Place {
		if onPod {
			return p.target.AnnotationPath(key)
		}
		return NamespaceAnnotation(key)
	})
	p.Errors = append(p.Errors, errs...)
}

// refuseOwnMarks reports marks of injected pods on a pod that is not injected.
func (p *parser) refuseOwnMarks() {
	if p.target.Template {
		return // parseLabels reports them
	}
	if _, ok := p.pod(annotation.Status); ok {
		p.errorf(finding.Forbidden(p.target.AnnotationPath(annotation.Status), finding.Problem{What: "is written by akv-injector on pods that it injects, and this pod asks for nothing", Fix: "remove it"}))
	}
	if _, ok := p.target.Meta.Labels[annotation.LabelInjected]; ok {
		p.errorf(finding.Forbidden(p.target.LabelsPath().Key(annotation.LabelInjected), finding.Problem{What: "is written by akv-injector on pods that it injects, and this pod asks for nothing", Fix: "remove it"}))
	}
}

func (p *parser) parseLabels() {
	path := p.target.LabelsPath()
	for _, k := range annotation.Ours(p.target.Meta.Labels) {
		switch {
		case k == annotation.LabelInjected && !p.target.Template:
		case k == annotation.LabelInjected:
			p.errorf(finding.Forbidden(path.Key(k), finding.Problem{What: "is written by akv-injector on pods", Fix: "remove it from the template"}))
		case k == annotation.LabelInjection:
			p.errorf(finding.Forbidden(path.Key(k), finding.Problem{What: "belongs on the namespace", Fix: "run: " + annotation.OptInCommand("")}))
		default:
			hint := finding.Problem{What: "akv-injector has no such label", Fix: "remove it"}
			if _, _, ok := annotation.Find(k); ok {
				hint = finding.Problem{What: "is an annotation, not a label", Fix: "move it to metadata.annotations"}
			}
			p.errorf(finding.Forbidden(path.Key(k), hint))
		}
	}
	if p.target.Template {
		if _, ok := p.pod(annotation.Status); ok {
			p.errorf(finding.Forbidden(p.target.AnnotationPath(annotation.Status), finding.Problem{What: "is written by akv-injector on pods", Fix: "remove it from the template"}))
		}
	}
}

// parseOwner reports annotations and labels that are on a workload itself, where no pod gets
// them, instead of in its template.
func (p *parser) parseOwner() {
	owner := p.target.Owner
	if owner == nil {
		return
	}
	for _, k := range annotation.Ours(owner.Annotations) {
		if k == annotation.Allow {
			continue
		}
		hint := finding.Problem{What: "akv-injector reads it only on pods", Fix: "move it to " + p.target.AnnotationPath(k).String()}
		if a, _, ok := annotation.Find(k); ok && !a.Pod {
			hint = finding.Problem{What: "belongs on the namespace, where a platform team sets it", Fix: "remove it from the workload"}
		}
		p.errorf(finding.Forbidden(OwnerAnnotation(k), hint))
	}
	for _, k := range annotation.Ours(owner.Labels) {
		hint := finding.Problem{What: "akv-injector has no label for workloads", Fix: "remove it"}
		if k == annotation.LabelInjection {
			hint = finding.Problem{What: "belongs on the namespace", Fix: "run: " + annotation.OptInCommand("")}
		}
		p.errorf(finding.Forbidden(finding.At("metadata", "labels").Key(k), hint))
	}
}

// parseBetween reports the same between the workload and its template: on the Jobs of a CronJob.
func (p *parser) parseBetween() {
	for _, b := range p.target.Between {
		for _, k := range annotation.Ours(b.Meta.Annotations) {
			p.errorf(finding.Forbidden(b.Place.Child("annotations").Key(k), finding.Problem{
				What: "akv-injector reads it only on pods", Fix: "move it to " + p.target.AnnotationPath(k).String(),
			}))
		}
		for _, k := range annotation.Ours(b.Meta.Labels) {
			p.errorf(finding.Forbidden(b.Place.Child("labels").Key(k), finding.Problem{What: "akv-injector has no label for workloads", Fix: "remove it"}))
		}
	}
}

// OwnerAnnotation is the place of an annotation of the workload around a template.
func OwnerAnnotation(key string) *finding.Place {
	return finding.At("metadata", "annotations").Key(key)
}

func parseBool(value string) (on bool, problem finding.Problem) {
	switch strings.TrimSpace(value) {
	case "true":
		return true, finding.Problem{}
	case "false":
		return false, finding.Problem{}
	}
	return false, finding.Problem{What: `neither "true" nor "false"`, Fix: `write one of the two`}
}

// setting looks up a value on the pod, then the namespace, then the server.
func (p *parser) setting(key, server string, check func(string) finding.Problem) Setting {
	s := Setting{}
	if v, ok := p.pod(key); ok {
		s = Setting{strings.TrimSpace(v), OnPod, p.target.AnnotationPath(key)}
	} else if v, ok := p.ns.Annotations[key]; ok {
		s = Setting{strings.TrimSpace(v), OnNamespace, NamespaceAnnotation(key)}
	} else if server != "" {
		return Setting{server, OnServer, nil} // checked when the server started
	} else {
		return s
	}
	report := p.errorf
	if s.Level == OnNamespace {
		report = p.namespaceErrorf
	}
	if s.Value == "" {
		report(finding.Required(s.Path, finding.Problem{What: "empty", Fix: "write a value or remove the annotation"}))
	} else if problem := check(s.Value); problem.Found() {
		report(finding.Invalid(s.Path, s.Value, problem))
		s.Value = ""
	}
	return s
}

func (p *parser) parseSettings() {
	p.ServiceAccount = p.setting(annotation.ServiceAccount, "", workload.NameProblem)
	p.ClientID = p.setting(annotation.ClientID, "", provider.ClientIDProblem)
	p.TenantID = p.setting(annotation.TenantID, p.settings.TenantID, provider.TenantProblem)
	p.Cloud = p.setting(annotation.Cloud, cmp.Or(p.settings.Cloud, provider.DefaultCloud), provider.CloudProblem)
	p.Interval = p.setting(annotation.RotationPollInterval, cmp.Or(p.settings.RotationPollInterval, provider.DefaultInterval), func(v string) finding.Problem {
		if _, problem, ok := provider.ParseInterval(v); !ok {
			return problem
		}
		return finding.Problem{} // the rule poll-interval reports one that is too short
	})
	p.IdentityMode = p.setting(annotation.IdentityMode, cmp.Or(p.settings.IdentityMode, annotation.IdentityFederated), IdentityModeProblem)
	label := p.setting(annotation.WorkloadIdentityLabel, "true", func(v string) finding.Problem {
		_, problem := parseBool(v)
		return problem
	})
	p.IdentityLabel = label.Value != "false"
	if now := p.AccountNow; p.ServiceAccount.Level == OnPod && p.ServiceAccount.Value != "" &&
		now != workload.DefaultAccount && now != p.ServiceAccount.Value {
		p.errorf(finding.Invalid(p.target.SpecPath().Child("serviceAccountName"), now, finding.Problem{What: fmt.Sprintf("contradicts the annotation %s: %s", annotation.ServiceAccount, text.Shorten(p.ServiceAccount.Value)), Fix: "remove one of the two"}))
	}
}

// IdentityModeProblem is what is wrong with a value of identity-mode.
func IdentityModeProblem(value string) finding.Problem {
	switch value {
	case annotation.IdentityFederated, annotation.IdentityBinding, annotation.IdentityAuto:
		return finding.Problem{}
	}
	return finding.Problem{What: "not a way to reach an identity", Fix: "write federated, binding or auto"}
}

func (p *parser) parseContainers() {
	value, ok := p.pod(annotation.Containers)
	if !ok {
		return
	}
	path := p.target.AnnotationPath(annotation.Containers)
	names := workload.ContainerNames(p.target.Spec)
	p.Containers = []string{}
	items := text.List(value)
	if len(items) > maxContainerNames {
		p.errorf(finding.TooMany(path, len(items), maxContainerNames))
		return
	}
	if len(items) == 0 {
		p.errorf(finding.Required(path, finding.Problem{What: "names no container", Fix: "list names, or remove the annotation to choose all"}))
	}
	for i, name := range items {
		switch {
		case slices.Contains(p.Containers, name):
			p.errorf(finding.Duplicate(path.Index(i), name, finding.Problem{What: "is named twice", Fix: "remove one"}))
		case slices.Contains(names, name):
			p.Containers = append(p.Containers, name)
		case !p.target.Mutating && !p.target.Template:
			// While webhooks still run, one of them may add the sidecar that is named here.
			// In a template too: the sidecar is added to the pod.
			p.errorf(finding.Invalid(path.Index(i), name, finding.Problem{What: "the pod has no such container", Fix: p.hints.DidYouMean(name, names)}))
		}
	}
}

func (p *parser) parseEnv() {
	value, ok := p.pod(annotation.Env)
	if !ok {
		return
	}
	path := p.target.AnnotationPath(annotation.Env)
	items := text.List(value)
	if len(items) == 0 {
		p.errorf(finding.Required(path, finding.Problem{What: "names no variable", Fix: "list NAME=FILE, or remove the annotation"}))
	}
	if len(items) > maxEnv {
		p.errorf(finding.TooMany(path, len(items), maxEnv))
		return
	}
	seen := map[string]bool{}
	for i, item := range items {
		name, file, ok := strings.Cut(item, "=")
		name, file = strings.TrimSpace(name), strings.TrimSpace(file)
		switch problems := validation.IsEnvVarName(name); {
		case !ok || name == "" || file == "":
			p.errorf(finding.Invalid(path.Index(i), item, finding.Problem{What: "not NAME=FILE", Fix: "write a name and a file, such as DB_PASSWORD_FILE=DB-Password"}))
		case len(problems) > 0:
			p.errorf(finding.Invalid(path.Index(i), name, finding.Problem{What: "not the name of a variable", Fix: "write letters, digits, _, - and ., and do not begin with a digit"}))
		case seen[name]:
			p.errorf(finding.Duplicate(path.Index(i), name, finding.Problem{What: "is set twice", Fix: "remove one"}))
		default:
			if problem := provider.FileProblem(file); problem.Found() {
				p.errorf(finding.Invalid(path.Index(i), file, problem.Of("the file name ")))
				continue
			}
			p.Env = append(p.Env, Env{name, file, path.Index(i)})
		}
		seen[name] = true
	}
}
