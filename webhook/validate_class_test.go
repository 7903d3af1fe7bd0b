package webhook

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
)

func TestClasses(t *testing.T) {
	of := func(change func(*secretsstorev1.SecretProviderClass)) *secretsstorev1.SecretProviderClass {
		c := legacyClass()
		c.TypeMeta = metav1.TypeMeta{APIVersion: secretsstorev1.SchemeGroupVersion.String(), Kind: "SecretProviderClass"}
		change(c)
		return c
	}
	good := of(func(*secretsstorev1.SecretProviderClass) {})
	bad := of(func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters["keyvaultName"] = "no_vault" })
	other := of(func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters["keyvaultName"] = "other-kv" })
	going := of(func(c *secretsstorev1.SecretProviderClass) {
		c.DeletionTimestamp = new(metav1.Now())
		c.Spec.Parameters["keyvaultName"] = "no_vault"
	})
	labelled := bad.DeepCopy()
	labelled.Labels = map[string]string{"team": "a"}

	cases := map[string]struct {
		now, before *secretsstorev1.SecretProviderClass
		mounting    []string
		mountingErr error
		fence       string
		refused     bool
		warns       string
	}{
		"a good one":                {now: good},
		"a bad one":                 {now: bad, refused: true},
		"outside the fence":         {now: good, fence: "other-*", refused: true},
		"good becomes bad":          {now: bad, before: good, refused: true},
		"bad before":                {now: labelled, before: bad, warns: "AKV008"},
		"outside the fence before":  {now: good, before: good, fence: "other-*", warns: "AKV018"},
		"bad, and being deleted":    {now: going, before: going},
		"deleted":                   {before: good},
		"a bad one is deleted":      {before: bad},
		"deleted under a pod":       {before: good, mounting: []string{"web-1"}, warns: "AKV022"},
		"changed under a pod":       {now: other, before: good, mounting: []string{"web-1"}, warns: "AKV022"},
		"nobody knows who mounts":   {before: good, mountingErr: errors.New("no index")},
		"unreadable before deleted": {before: nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			annotations := map[string]string{}
			if c.fence != "" {
				annotations[annotation.AllowedVaults] = c.fence
			}
			cl := newCluster(namespace(annotations))
			cl.mounting, cl.mountingErr = map[string][]string{"legacy": c.mounting}, c.mountingErr
			review := changeOf(t, classKinds()[0], nil, nil)
			switch {
			case c.now != nil && c.before != nil:
				review = changeOf(t, classKinds()[0], c.now, c.before)
			case c.now != nil:
				review = changeOf(t, classKinds()[0], c.now, nil)
			case c.before != nil:
				review.Request.OldObject.Raw = raw(t, c.before)
			}
			got := answerOf(t, cl.admission().ValidateClass(), review)
			if got.Allowed == c.refused {
				t.Fatalf("allowed is %v: %+v", got.Allowed, got.Result)
			}
			if c.refused && got.Result.Details.Kind != "SecretProviderClass" {
				t.Errorf("%+v", got.Result.Details)
			}
			warnings := strings.Join(got.Warnings, "\n")
			if c.warns == "" && warnings != "" || !strings.Contains(warnings, c.warns) {
				t.Errorf("warnings %q, want %q", warnings, c.warns)
			}
		})
	}
}
