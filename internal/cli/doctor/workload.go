package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

var workloadChecks = []Check{
	{
		ID: "AKVD040", Layer: LayerWorkload, Name: "asks",
		Looks: "whether the pod asks for anything", Matters: "A pod that asks for nothing gets nothing.",
		run: checkAsks,
	},
	{
		ID: "AKVD041", Layer: LayerWorkload, Name: "opted-in",
		Looks: "whether the pod's namespace has opted in", Matters: "In other namespaces akv-injector is not called.",
		run: checkOptedIn,
	},
	{
		ID: "AKVD042", Layer: LayerWorkload, Name: "excluded",
		Looks: "whether the selectors and match conditions of the webhook for pods, as they are in the cluster, leave the pod out", Matters: "For such a pod akv-injector is not called, although its namespace has opted in.",
		run: checkExcluded,
	},
	{
		ID: "AKVD043", Layer: LayerWorkload, Name: "injected",
		Looks: "whether a pod that asks has been injected", Matters: "It was created before its namespace opted in, or while the webhooks were not there; it never gets its secrets.",
		run: checkInjected,
	},
	{
		ID: "AKVD044", Layer: LayerWorkload, Name: "rules",
		Looks: "what the rules find in the pod", Matters: "A new pod of this kind would be refused, or its secrets would not rotate.",
		run: checkRules,
	},
	{
		ID: "AKVD045", Layer: LayerWorkload, Name: "service-account",
		Looks: "whether the pod's service account is there, and names an identity", Matters: "Nothing can sign in to Azure for the pod.",
		run: checkAccount,
	},
}

func (p *Patient) asks() bool { return len(annotation.Ours(p.Target.Meta.Annotations)) > 0 }

// byHand reports whether the pod mounts classes of its own.
func (p *Patient) byHand() bool { return len(provider.ClassNames(p.Target.Spec)) > 0 }

func checkAsks(_ context.Context, p *Patient, r *report) {
	keys := annotation.Ours(p.Target.Meta.Annotations)
	switch {
	case p.Target.Meta.Annotations[annotation.Inject] == "false":
		r.warn(annotation.Inject+" is false: the pod has opted out", "Remove the annotation from the pod's template.")
	case len(keys) > 0:
		r.ok("%s", strings.Join(keys, ", "))
	case p.byHand():
		r.ok("it mounts the classes %s by hand", text.Shorten(strings.Join(provider.ClassNames(p.Target.Spec), ", ")))
	case p.Target.Owner != nil && len(annotation.Ours(p.Target.Owner.Annotations)) > 0:
		r.problem("the annotations are on the workload itself, where no pod gets them", "Move them to spec.template.metadata.annotations.")
	default:
		r.problem("no annotation "+annotation.Prefix+"… and no secrets-store volume", "See which there are: kubectl akv explain, or docs/annotations.md.")
	}
}

func checkOptedIn(ctx context.Context, p *Patient, r *report) {
	ns, err := p.NamespaceObject(ctx)
	switch {
	case err != nil:
		r.notChecked(err.Error())
	case annotation.OptedIn(ns):
		r.ok("namespace %s has opted in", ns.Name)
	case p.asks():
		r.problem("namespace "+ns.Name+" has not opted in", annotation.OptInCommand(ns.Name))
	default:
		r.ok("namespace %s has not opted in, and the pod does not ask", ns.Name)
	}
}

// podWebhook is the webhook that injects pods: as it is in the cluster, or as it is shipped if it is missing, which AKVD021 says.
func (p *Patient) podWebhook(ctx context.Context) (*admissionregistrationv1.MutatingWebhook, error) {
	shipped, err := shippedWebhooks()
	if err != nil {
		return nil, err
	}
	found, _, err := p.ours(ctx)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if strings.HasPrefix(found[i].name, podWebhookPrefix) {
			return &found[i].is, nil
		}
	}
	for name, w := range shipped {
		if strings.HasPrefix(name, podWebhookPrefix) {
			return &w, nil
		}
	}
	return nil, errors.New("no webhook for pods is shipped")
}

const podWebhookPrefix = "pods.mutate."

func checkExcluded(ctx context.Context, p *Patient, r *report) {
	ns, err := p.NamespaceObject(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	if !p.asks() {
		return
	}
	w, err := p.podWebhook(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	out, err := asked(ctx, w, ns, p.Target)
	switch {
	case err != nil:
		r.problem(err.Error(), p.reinstall(ctx))
	case out.label != "":
		r.problem(out.why, text.Command("kubectl label namespace {namespace} {label}-", text.Values{"namespace": ns.Name, "label": out.label}))
	case out.why != "" && strings.Contains(out.why, "namespaceSelector"):
		r.problem(out.why, "Move the workload to another namespace.")
	case out.why != "" && p.Target.Meta.Annotations[corev1.MirrorPodAnnotationKey] != "":
		r.problem(out.why, "It is the mirror of a static pod, which only the kubelet can change: make it a Deployment or a DaemonSet.")
	case out.why != "":
		r.problem(out.why, p.reinstall(ctx))
	default:
		r.ok("the API server asks about such a pod")
	}
}

func checkInjected(_ context.Context, p *Patient, r *report) {
	t := p.Target
	if t.Template || !p.asks() || t.Meta.Annotations[annotation.Inject] == "false" {
		return
	}
	if t.Meta.Labels[annotation.LabelInjected] == "true" {
		r.ok("the pod was injected")
		return
	}
	fix := text.Command("kubectl delete pod -n {namespace} {pod}", text.Values{"namespace": p.Namespace, "pod": p.Name})
	r.problem("the pod asks and was not injected", fix)
}

func checkRules(ctx context.Context, p *Patient, r *report) {
	ns, err := p.NamespaceObject(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	request := inject.Parse(p.Target, ns, inject.Settings{})
	known, err := p.facts(ctx, request.Needs())
	if err != nil {
		r.notChecked(unseen(err, "get", "secretproviderclasses.secrets-store.csi.x-k8s.io", p.Namespace).Error())
		return
	}
	decision := inject.Decide(request, known)
	if len(decision.Findings) == 0 {
		r.ok("nothing")
	}
	for _, f := range decision.Findings {
		status := Warning
		if f.Severity == finding.Error {
			status = Problem
		}
		r.of(f.Place.String(), status, strings.TrimSpace(f.Rule+" "+f.Message), f.Fix)
	}
}

func checkAccount(ctx context.Context, p *Patient, r *report) {
	name := workload.AccountOf(p.Target.Spec)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	account, err := p.Client.CoreV1().ServiceAccounts(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		r.problem(fmt.Sprintf("there is no ServiceAccount %s", text.Shorten(name)),
			text.Command("kubectl create serviceaccount -n {namespace} {account}", text.Values{"namespace": p.Namespace, "account": name}))
	case err != nil:
		r.notChecked(unseen(err, "get", "serviceaccounts", p.Namespace).Error())
	case provider.ClientIDProblem(account.Annotations[provider.AnnotationClientID]).Found() && !p.named(annotation.ClientID):
		r.warn(fmt.Sprintf("the ServiceAccount %s names no identity", text.Shorten(name)),
			text.Command("kubectl annotate serviceaccount -n {namespace} {account} "+provider.AnnotationClientID+"={client-id}", text.Values{"namespace": p.Namespace, "account": name}))
	default:
		r.ok("ServiceAccount %s", text.Shorten(name))
	}
}

// named reports whether the pod or its classes say it themselves.
func (p *Patient) named(key string) bool {
	return p.Target.Meta.Annotations[key] != "" || !p.asks() && p.byHand() && !slices.ContainsFunc(provider.ClassNames(p.Target.Spec), provider.Reserved)
}
