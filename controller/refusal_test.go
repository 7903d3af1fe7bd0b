package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

func TestRefusal(t *testing.T) {
	classes := secretsstorev1.Resource("secretproviderclasses")
	status := func(code int32, message string) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Message: message}}
	}
	const (
		webhookDenied = `admission webhook "policy.example.com" denied the request: no vaults on Fridays`
		policyDenied  = `ValidatingAdmissionPolicy 'vaults' with binding 'all' denied request: no vaults on Fridays`
	)
	tests := map[string]struct {
		err  error
		want bool
	}{
		"RBAC":                                  {apierrors.NewForbidden(classes, "c", errors.New("cannot create")), true},
		"quota":                                 {status(http.StatusForbidden, "exceeded quota: classes"), true},
		"invalid":                               {status(http.StatusUnprocessableEntity, "spec.provider: Required value"), true},
		"a webhook's usual denial":              {status(http.StatusBadRequest, webhookDenied), true},
		"a webhook's denial as a conflict":      {status(http.StatusConflict, webhookDenied), true},
		"a webhook's denial as not found":       {status(http.StatusNotFound, webhookDenied), true},
		"a policy's denial as unauthorized":     {status(http.StatusUnauthorized, policyDenied), true},
		"a policy's denial as too large":        {status(http.StatusRequestEntityTooLarge, policyDenied), true},
		"a webhook that failed, as a denial":    {status(http.StatusInternalServerError, webhookDenied), false},
		"a webhook that could not be called":    {apierrors.NewInternalError(errors.New("failed calling webhook")), false},
		"not ours":                              {&NotOursError{}, true},
		"being deleted":                         {&BeingDeletedError{}, true},
		"conflict":                              {apierrors.NewConflict(classes, "c", errors.New("changed")), false},
		"too many requests":                     {apierrors.NewTooManyRequests("slow down", 1), false},
		"timeout":                               {apierrors.NewTimeoutError("slow", 1), false},
		"server timeout":                        {apierrors.NewServerTimeout(classes, "create", 1), false},
		"unavailable":                           {apierrors.NewServiceUnavailable("starting"), false},
		"our token expired":                     {apierrors.NewUnauthorized("token expired"), false},
		"the CRD is gone":                       {apierrors.NewNotFound(classes, "c"), false},
		"the CRD was never there":               {&meta.NoKindMatchError{}, false},
		"deadline":                              {context.DeadlineExceeded, false},
		"connection":                            {errors.New("connection refused"), false},
		"a text that only looks like a verdict": {errors.New(webhookDenied), false},
		"none":                                  {nil, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := tc.err
			if err != nil {
				err = fmt.Errorf("creating: %w", err)
			}
			if got := Refusal(err); got != tc.want {
				t.Errorf("Refusal(%v) = %t, want %t", err, got, tc.want)
			}
		})
	}
}
