package webhook

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// reviewer answers reviews.
type reviewer struct {
	asked  authorizationv1.SubjectAccessReviewSpec
	status authorizationv1.SubjectAccessReviewStatus
	err    error
}

func (r *reviewer) Create(_ context.Context, o client.Object, _ ...client.CreateOption) error {
	review, ok := o.(*authorizationv1.SubjectAccessReview)
	if !ok {
		return errors.New("not a review")
	}
	r.asked, review.Status = review.Spec, r.status
	return r.err
}

func TestPermissions(t *testing.T) {
	use := facts.Use{Account: "web", ClientID: testClient}
	for name, c := range map[string]struct {
		status authorizationv1.SubjectAccessReviewStatus
		want   facts.Permission
	}{
		"allowed":                          {authorizationv1.SubjectAccessReviewStatus{Allowed: true}, facts.Allowed},
		"allowed, and something was wrong": {authorizationv1.SubjectAccessReviewStatus{Allowed: true, EvaluationError: "x"}, facts.Allowed},
		"no":                               {authorizationv1.SubjectAccessReviewStatus{}, facts.Denied},
		"denied, and something was wrong":  {authorizationv1.SubjectAccessReviewStatus{Denied: true, EvaluationError: "x"}, facts.Denied},
		"no, and something was wrong":      {authorizationv1.SubjectAccessReviewStatus{EvaluationError: "x"}, facts.NotKnown},
	} {
		r := &reviewer{status: c.status}
		got, err := Permissions(r)(t.Context(), "shop", use)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
		want := authorizationv1.SubjectAccessReviewSpec{
			User:   "system:serviceaccount:shop:web",
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: "use-managed-identity", Group: "cid.wi.aks.azure.com", Resource: testClient,
			},
		}
		if diff := cmp.Diff(want, r.asked); diff != "" {
			t.Errorf("%s: asked (-want +got):\n%s", name, diff)
		}
	}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "authorization.k8s.io", Resource: "subjectaccessreviews"}, "", nil)
	if got, err := Permissions(&reviewer{err: forbidden})(t.Context(), "shop", use); err != nil || got != facts.NotKnown {
		t.Errorf("without the right to ask: %v, %v", got, err)
	}
	if _, err := Permissions(&reviewer{err: errors.New("no answer")})(t.Context(), "shop", use); err == nil {
		t.Error("a review without an answer is no answer")
	}
}

// bindingCluster has a CSIDriver with the audience of bindings.
func bindingCluster() *cluster {
	items := inPlace()
	for _, o := range items {
		if driver, ok := o.(*storagev1.CSIDriver); ok {
			driver.Spec.TokenRequests = append(driver.Spec.TokenRequests, storagev1.TokenRequest{Audience: provider.BindingAudience})
		}
	}
	return newCluster(items...)
}

func TestFailedReviewNeverChoosesTheMode(t *testing.T) {
	for mode, wantCode := range map[string]int{annotation.IdentityAuto: http.StatusInternalServerError, annotation.IdentityBinding: http.StatusInternalServerError, annotation.IdentityFederated: http.StatusOK} {
		cl := bindingCluster()
		cl.permissionErr = errors.New("no answer")
		w := post(cl.admission().Mutate(), MutatePath, marshal(t, reviewOf(raw(t, withAnnotation(asking(), annotation.IdentityMode, mode)))))
		if w.Code != wantCode {
			t.Errorf("%s: code %d, want %d: %s", mode, w.Code, wantCode, w.Body)
		}
		if mode == annotation.IdentityFederated && len(cl.asked) > 0 {
			t.Errorf("asked %v for a federated identity", cl.asked)
		}
	}
}

func TestPermissionThatIsNotKnown(t *testing.T) {
	cl := bindingCluster()
	cl.permission = facts.NotKnown
	auto := answerOf(t, cl.admission().Mutate(), reviewOf(raw(t, withAnnotation(asking(), annotation.IdentityMode, annotation.IdentityAuto))))
	if auto.Allowed || !strings.Contains(auto.Result.Message, "could not tell whether") {
		t.Errorf("auto: %+v, want it refused: it cannot choose", auto)
	}
	cl = bindingCluster()
	cl.permission = facts.NotKnown
	binding := answerOf(t, cl.admission().Mutate(), reviewOf(raw(t, withAnnotation(asking(), annotation.IdentityMode, annotation.IdentityBinding))))
	if !binding.Allowed || slices.ContainsFunc(binding.Warnings, func(w string) bool { return strings.Contains(w, "AKV033") }) {
		t.Errorf("binding: %+v, want no word about what is not known", binding)
	}
}
