package rights_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"akv-injector/e2e/injector"
	"akv-injector/internal/certificates"
	"akv-injector/internal/testing/await"
)

// certificate are rights to keep a certificate of its own.
func certificate(w *world) (all []probe) {
	const secrets = "secrets"
	asked := ""
	ask := func(t *testing.T) {
		asked = w.name("leaf ")
		check(t, injector.AskForCertificate(t.Context(), w.Client, asked))
	}
	made := func(t *testing.T) (bool, string) {
		secret, err := w.Client.CoreV1().Secrets(injector.Namespace).Get(t.Context(), injector.CertificateSecret, metav1.GetOptions{})
		check(t, err)
		return secret.Annotations[certificates.AnnotationRotated] == asked, fmt.Sprint(secret.Annotations)
	}
	all = append(all,
		probe{right: "get " + secrets, prepare: ask, works: made},
		probe{right: "update " + secrets, prepare: ask, works: made},
		probe{right: "list " + secrets, listed: true, fresh: true, works: w.ready},
		w.watched(secrets),
	)
	for _, kind := range []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} {
		right := kind + ".admissionregistration.k8s.io"
		takeCA := func(t *testing.T) { w.takeCA(t, kind) }
		hasCA := func(t *testing.T) (bool, string) { return w.hasCA(t, kind) }
		all = append(all,
			probe{right: "get " + right, prepare: takeCA, works: hasCA},
			probe{right: "patch " + right, prepare: takeCA, works: hasCA},
			probe{right: "list " + right, listed: true, fresh: true, works: func(t *testing.T) (bool, string) { return w.mendsCA(t, kind) }},
			w.watched(right),
		)
	}
	return all
}

// mendsCA takes the CA away, and reports whether it is written again at once: without being told, the program looks once in a minute.
func (w *world) mendsCA(t *testing.T, kind string) (bool, string) {
	t.Helper()
	if has, _ := w.hasCA(t, kind); has {
		w.takeCA(t, kind)
	}
	err := await.Poll{Limit: time.Second, Every: 20 * time.Millisecond}.Until(t.Context(), "the CA", func(context.Context) (bool, string) { return w.hasCA(t, kind) })
	return err == nil, fmt.Sprint(err)
}

func (w *world) takeCA(t *testing.T, kind string) {
	t.Helper()
	patch := []byte(`[{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]`)
	hooks := w.Client.AdmissionregistrationV1()
	var err error
	if kind == "mutatingwebhookconfigurations" {
		_, err = hooks.MutatingWebhookConfigurations().Patch(t.Context(), "akv-injector", types.JSONPatchType, patch, metav1.PatchOptions{})
	} else {
		_, err = hooks.ValidatingWebhookConfigurations().Patch(t.Context(), "akv-injector", types.JSONPatchType, patch, metav1.PatchOptions{})
	}
	check(t, err)
}

func (w *world) hasCA(t *testing.T, kind string) (bool, string) {
	t.Helper()
	hooks := w.Client.AdmissionregistrationV1()
	var bundle []byte
	if kind == "mutatingwebhookconfigurations" {
		hook, err := hooks.MutatingWebhookConfigurations().Get(t.Context(), "akv-injector", metav1.GetOptions{})
		check(t, err)
		bundle = hook.Webhooks[0].ClientConfig.CABundle
	} else {
		hook, err := hooks.ValidatingWebhookConfigurations().Get(t.Context(), "akv-injector", metav1.GetOptions{})
		check(t, err)
		bundle = hook.Webhooks[0].ClientConfig.CABundle
	}
	return len(bundle) > 0, base64.StdEncoding.EncodeToString(bundle)
}
