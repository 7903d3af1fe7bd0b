package doctor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/internal/text"
)

// right is one that akv-injector needs. The namespace is empty for all.
type right struct{ namespace, group, resource, name, verb string }

func (r right) String() string {
	where := ""
	if r.name != "" {
		where = " " + text.Shorten(r.name)
	}
	if r.namespace != "" {
		where += " in namespace " + text.Shorten(r.namespace)
	}
	return r.verb + " " + r.resource + where
}

// shippedRights are those of deploy/install.yaml.
var shippedRights = sync.OnceValues(func() (all []right, err error) {
	err = eachShipped(func(role *struct {
		Kind     string
		Metadata metav1.ObjectMeta
		Rules    []rbacv1.PolicyRule
	},
	) {
		if role.Kind != "ClusterRole" && role.Kind != "Role" {
			return
		}
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						for _, name := range append(rule.ResourceNames, "")[:max(1, len(rule.ResourceNames))] {
							all = append(all, right{role.Metadata.Namespace, group, resource, name, verb})
						}
					}
				}
			}
		}
	})
	return all, err
})

// serverFlag is what a flag of akv-injector's own is set to, in its Deployment.
func serverFlag(d *appsv1.Deployment, name string) string {
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, arg := range c.Args {
			if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
				return value
			}
		}
	}
	return ""
}

// needed are the rights that akv-injector needs as it is set.
func needed(shipped []right, d *appsv1.Deployment) []right {
	rotation := cmp.Or(serverFlag(d, "rotation"), "drive")
	gates := slices.ContainsFunc(d.Spec.Template.Spec.Containers, func(c corev1.Container) bool { return slices.Contains(c.Args, "--mounted-gates") })
	restarts := serverFlag(d, "restarts") == "true"
	var all []right
	for _, r := range shipped {
		switch {
		case r.resource == "secretproviderclasspodstatuses" && rotation == "off" && !gates && !restarts,
			r.resource == "pods/status" && rotation != "drive" && !gates,
			(r.resource == "secrets" || r.group == "admissionregistration.k8s.io") && serverFlag(d, "certificate-secret") == "",
			(r.resource == "leases" || r.resource == "events" && r.group == "") && serverFlag(d, "leader-elect") == "false":
			continue
		case r.resource == "daemonsets":
			r.namespace = cmp.Or(serverFlag(d, "driver-namespace"), r.namespace)
		case r.namespace == shippedNamespace:
			r.namespace = d.Namespace
		}
		all = append(all, r)
	}
	return all
}

func checkRights(ctx context.Context, p *Patient, r *report) {
	d, err := p.Installed(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	if d == nil { // AKVD020 says it
		return
	}
	shipped, err := shippedRights()
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	user := p.injectorAccount(ctx)
	all := needed(shipped, d)
	missing, err := p.lacks(ctx, user, d.Namespace, all)
	switch {
	case err != nil:
		r.notChecked(unseen(err, "create", "subjectaccessreviews.authorization.k8s.io", "").Error())
	case len(missing) > 0:
		r.of("Deployment "+d.Namespace+"/"+d.Name, Problem, text.Shorten(user)+" may not: "+text.Line(strings.Join(missing, ", "), 600), p.reinstall(ctx))
	default:
		r.ok("%s has the %d rights that it needs", text.Shorten(user), len(all))
	}
}

// lacks asks the API server which rights a user has not.
func (p *Patient) lacks(ctx context.Context, user, namespace string, all []right) (missing []string, err error) {
	const atOnce = 8
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
		slot = make(chan struct{}, atOnce)
	)
	for _, one := range all {
		wait.Go(func() {
			slot <- struct{}{}
			defer func() { <-slot }()
			resource, subresource, _ := strings.Cut(one.resource, "/")
			review, failed := p.Client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user, Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
				ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: one.namespace, Group: one.group, Resource: resource, Subresource: subresource, Name: one.name, Verb: one.verb},
			}}, metav1.CreateOptions{})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case failed != nil:
				err = cmp.Or(err, failed)
			case !review.Status.Allowed && review.Status.EvaluationError != "":
				err = cmp.Or(err, errors.New("the API server cannot tell: "+oneLine(review.Status.EvaluationError)))
			case !review.Status.Allowed:
				missing = append(missing, one.String())
			}
		})
	}
	wait.Wait()
	slices.Sort(missing)
	return slices.Compact(missing), err
}
