package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/annotation"
	"akv-injector/internal/text"
)

const (
	install   = "helm upgrade --install akv-injector deploy/chart/akv-injector --namespace akv-injector-system --create-namespace --set image.repository=REPOSITORY"
	reinstall = "helm upgrade akv-injector deploy/chart/akv-injector --namespace {namespace} --reset-then-reuse-values"
)

var injectorChecks = []Check{
	{
		ID: "AKVD020", Layer: LayerInjector, Name: "installed",
		Looks: "whether akv-injector's Deployment is there, and has replicas that are ready", Matters: "Pods that ask are refused while no replica answers.",
		run: checkInstalled,
	},
	{
		ID: "AKVD021", Layer: LayerInjector, Name: "webhook-configurations",
		Looks: "whether both webhook configurations are there, with all their webhooks", Matters: "Without them pods that ask start without their secrets, and nothing says so.",
		run: checkConfigurations,
	},
	{
		ID: "AKVD022", Layer: LayerInjector, Name: "failure-policy",
		Looks: "whether the webhooks for pods that ask fail closed", Matters: "A pod that asks would start without its secrets whenever no replica answers.",
		run: checkFailurePolicy,
	},
	{
		ID: "AKVD023", Layer: LayerInjector, Name: "ca-bundle",
		Looks: "the CA certificates in the webhook configurations: whether they are there, and valid now", Matters: "The API server cannot call the webhooks, and pods that ask are refused.",
		run: checkBundles,
	},
	{
		ID: "AKVD024", Layer: LayerInjector, Name: "webhook-order",
		Looks: "whether akv-injector is called before the identity webhook, which reads what it writes", Matters: "The identity webhook does not see the service account and the label of the pod, and gives it no token.",
		run: checkOrder,
	},
	{
		ID: "AKVD025", Layer: LayerInjector, Name: "dry-run",
		Looks: "whether a pod that asks, created as a dry run, comes back injected or refused by akv-injector", Matters: "If it comes back as it was, the webhooks are not called; if the call fails, pods that ask are refused.",
		run: checkDryRun,
	},
	{
		ID: "AKVD026", Layer: LayerInjector, Name: "webhook-drift",
		Looks: "whether the webhooks are as they are shipped, field by field; what the chart's values set is left out", Matters: "The webhooks hear of fewer objects than they should, or of more; or somebody's tool changes them back and forth.",
		run: checkDrift,
	},
	{
		ID: "AKVD027", Layer: LayerInjector, Name: "rights",
		Looks: "whether akv-injector's ServiceAccount has the rights that its settings need (SubjectAccessReview)", Matters: "It does not become ready, or does not write, restore or rotate what it should.",
		run: checkRights,
	},
}

func checkInstalled(ctx context.Context, p *Patient, r *report) {
	d, err := p.Installed(ctx)
	switch {
	case err != nil:
		r.notChecked(err.Error())
	case d == nil:
		r.problem("there is no Deployment of akv-injector", install)
	case d.Status.ReadyReplicas == 0:
		r.of("Deployment "+d.Namespace+"/"+d.Name, Problem, "none of its replicas is ready",
			text.Command("kubectl logs -n {namespace} deployment/{name} --tail=20", text.Values{"namespace": d.Namespace, "name": d.Name}))
	case d.Spec.Replicas != nil && d.Status.ReadyReplicas < *d.Spec.Replicas:
		r.of("Deployment "+d.Namespace+"/"+d.Name, Warning, fmt.Sprintf("%d of %d replicas are ready", d.Status.ReadyReplicas, *d.Spec.Replicas),
			text.Command("kubectl describe deployment -n {namespace} {name}", text.Values{"namespace": d.Namespace, "name": d.Name}))
	default:
		r.of("Deployment "+d.Namespace+"/"+d.Name, OK, fmt.Sprintf("%d replicas are ready", d.Status.ReadyReplicas), "")
	}
}

// webhook is what checks look at of a webhook of either kind.
type webhook struct {
	configuration, name string
	policy              *admissionregistrationv1.FailurePolicyType
	bundle              []byte
	// is the webhook; a validating one has the same fields, but for the reinvocation.
	is admissionregistrationv1.MutatingWebhook
}

// ours are our webhooks. The names of those that are missing are returned too.
func (p *Patient) ours(ctx context.Context) (found []webhook, missing []string, err error) {
	mutating, err := p.Mutating(ctx)
	if err != nil {
		return nil, nil, err
	}
	validating, err := p.Validating(ctx)
	if err != nil {
		return nil, nil, err
	}
	for i := range mutating {
		if mutating[i].Name != ourConfiguration {
			continue
		}
		for j := range mutating[i].Webhooks {
			w := &mutating[i].Webhooks[j]
			found = append(found, webhook{"MutatingWebhookConfiguration " + ourConfiguration, w.Name, w.FailurePolicy, w.ClientConfig.CABundle, *w})
		}
	}
	for i := range validating {
		if validating[i].Name != ourConfiguration {
			continue
		}
		for j := range validating[i].Webhooks {
			w := &validating[i].Webhooks[j]
			found = append(found, webhook{"ValidatingWebhookConfiguration " + ourConfiguration, w.Name, w.FailurePolicy, w.ClientConfig.CABundle, admissionregistrationv1.MutatingWebhook{
				Rules: w.Rules, MatchPolicy: w.MatchPolicy, SideEffects: w.SideEffects, NamespaceSelector: w.NamespaceSelector, ObjectSelector: w.ObjectSelector,
				MatchConditions: w.MatchConditions,
			}})
		}
	}
	shipped, err := shippedWebhooks()
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(shipped)) {
		if !slices.ContainsFunc(found, func(w webhook) bool { return w.name == name }) {
			missing = append(missing, name)
		}
	}
	return found, missing, nil
}

// asking reports whether a webhook is for objects that ask.
func asking(name string) bool {
	return strings.HasPrefix(name, "asking") || strings.HasPrefix(name, podWebhookPrefix)
}

func (p *Patient) reinstall(ctx context.Context) string {
	return text.Command(reinstall, text.Values{"namespace": p.InjectorNamespace(ctx)})
}

func checkConfigurations(ctx context.Context, p *Patient, r *report) {
	found, missing, err := p.ours(ctx)
	switch {
	case err != nil:
		r.notChecked(err.Error())
	case len(missing) > 0:
		r.problem("missing: "+strings.Join(missing, ", "), p.reinstall(ctx))
	default:
		r.ok("%d webhooks are configured", len(found))
	}
}

func checkFailurePolicy(ctx context.Context, p *Patient, r *report) {
	found, _, err := p.ours(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	closed := 0
	for _, w := range found {
		if !asking(w.name) {
			continue
		}
		if w.policy == nil || *w.policy != admissionregistrationv1.Fail {
			r.of(w.configuration, Problem, fmt.Sprintf("the webhook %s has another failurePolicy than Fail", text.Shorten(w.name)), p.reinstall(ctx))
			continue
		}
		closed++
	}
	if closed > 0 && len(r.results) == 0 {
		r.ok("%d webhooks fail closed", closed)
	}
}

func checkBundles(ctx context.Context, p *Patient, r *report) {
	found, _, err := p.ours(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	good := 0
	for _, w := range found {
		if problem := bundleProblem(w.bundle, time.Now()); problem != "" {
			look := "kubectl logs -n {namespace} deployment/akv-injector --tail=20" // it writes them itself
			if d, err := p.Installed(ctx); err == nil && d != nil && serverFlag(d, "certificate-secret") == "" {
				look = "kubectl get certificates,secrets -n {namespace}"
			}
			r.of(w.configuration, Problem, fmt.Sprintf("the webhook %s: %s", text.Shorten(w.name), problem), text.Command(look, text.Values{"namespace": p.InjectorNamespace(ctx)}))
			continue
		}
		good++
	}
	if good > 0 && len(r.results) == 0 {
		r.ok("%d webhooks have a CA that is valid now", good)
	}
}

// bundleProblem says what is wrong with a CA bundle, or "". One valid certificate is enough.
func bundleProblem(bundle []byte, now time.Time) string {
	if len(bundle) == 0 {
		return "there is no caBundle: what writes it (akv-injector itself, or cert-manager's CA injector) has not"
	}
	problem := "the caBundle has no certificate in it"
	for rest := bundle; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return problem
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			problem = "the caBundle has a certificate that cannot be read"
		case now.After(certificate.NotAfter):
			problem = "the CA ended on " + certificate.NotAfter.UTC().Format(time.DateOnly)
		case now.Before(certificate.NotBefore):
			problem = "the CA begins on " + certificate.NotBefore.UTC().Format(time.DateOnly)
		default:
			return ""
		}
	}
}

func checkOrder(ctx context.Context, p *Patient, r *report) {
	all, err := p.Mutating(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	ours, before, order := false, []string{}, []string{}
	for i := range all { // the API server calls them in the order of their names
		order = append(order, all[i].Name)
		switch name := all[i].Name; {
		case name == ourConfiguration:
			ours = true
		case identityWebhook(&all[i]) && name < ourConfiguration:
			before = append(before, name)
		}
	}
	switch {
	case !ours: // AKVD021 says it
	case len(before) > 0:
		r.problem("called before akv-injector: "+strings.Join(before, ", "), "Rename the configuration, so that it sorts behind "+ourConfiguration+".")
	default:
		r.ok("called in this order: %s", text.Line(strings.Join(order, ", "), 600))
	}
}

// identityWebhook reports whether a configuration is that of azure-workload-identity, whatever it is called.
func identityWebhook(c *admissionregistrationv1.MutatingWebhookConfiguration) bool {
	return c.Name == identityConfiguration || slices.ContainsFunc(c.Webhooks, func(w admissionregistrationv1.MutatingWebhook) bool {
		return strings.HasSuffix(w.Name, ".azure-workload-identity.io")
	})
}

// checkDryRun creates a pod that asks for what no vault can have, in a namespace that has opted in. Nothing is stored. Akv-injector
// refuses it with words of its own: then the whole way works.
func checkDryRun(ctx context.Context, p *Patient, r *report) {
	namespace, err := p.optedIn(ctx)
	if err != nil {
		r.notChecked(unseen(err, "list", "namespaces", "").Error())
		return
	}
	if namespace == "" {
		r.notChecked("no namespace has opted in (" + annotation.OptInCommand("") + ")")
		return
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "akv-doctor-", Namespace: namespace, Annotations: map[string]string{annotation.IdentityMode: "doctor", annotation.Objects: "doctor"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "doctor", Image: "none"}}},
	}
	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	began := time.Now()
	_, err = p.Client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	took := time.Since(began).Round(time.Millisecond)
	object := "namespace " + namespace
	switch {
	case err == nil:
		r.of(object, Problem, "a pod with a wrong annotation was admitted: akv-injector was not asked", p.reinstall(ctx))
	case strings.Contains(err.Error(), annotation.IdentityMode):
		r.of(object, OK, fmt.Sprintf("a pod with a wrong annotation was refused by akv-injector, after %s", took), "")
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "error looking up service account"):
		// Not for want of a right: a namespace gets its account default a moment after it is made.
		r.notChecked(fmt.Sprintf("namespace %s has no ServiceAccount default yet", namespace))
	case apierrors.IsForbidden(err) && !strings.Contains(err.Error(), "webhook"):
		r.notChecked(unseen(err, "create", "pods", namespace).Error())
	case errors.Is(err, context.DeadlineExceeded):
		r.notChecked(fmt.Sprintf("the API server did not answer within %s", 2*callTimeout))
	default:
		r.of(object, Problem, oneLine(err.Error()), text.Command("kubectl get endpointslices,pods -n {namespace} -o wide", text.Values{"namespace": p.InjectorNamespace(ctx)}))
	}
}

// optedIn is a namespace that has opted in: the one that is looked at, if it has, or any of the first.
func (p *Patient) optedIn(ctx context.Context) (string, error) {
	const most = 100 // of what may be thousands
	w, err := p.podWebhook(ctx)
	if err != nil {
		w = nil // AKVD021 says that it was not seen; the dry run says what comes of it.
	}
	if ns, err := p.NamespaceObject(ctx); err == nil && annotation.OptedIn(ns) && (w == nil || selected(w, ns).why == "") {
		return ns.Name, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := p.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: annotation.LabelInjection + "=" + annotation.InjectionEnabled, Limit: most})
	if err != nil {
		return "", err
	}
	for i := range list.Items {
		if ns := &list.Items[i]; w == nil || selected(w, ns).why == "" {
			return ns.Name, nil
		}
	}
	return "", nil
}
