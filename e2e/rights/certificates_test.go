package rights_test

import (
	"context"
	"encoding/base64"
	"fmt"
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
	ask := func() {
		asked = w.name("leaf ")
		check(w.t, injector.AskForCertificate(w.t.Context(), w.Client, asked))
	}
	made := func() (bool, string) {
		secret, err := w.Client.CoreV1().Secrets(injector.Namespace).Get(w.t.Context(), injector.CertificateSecret, metav1.GetOptions{})
		check(w.t, err)
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
		takeCA := func() { w.takeCA(kind) }
		hasCA := func() (bool, string) { return w.hasCA(kind) }
		all = append(all,
			probe{right: "get " + right, prepare: takeCA, works: hasCA},
			probe{right: "patch " + right, prepare: takeCA, works: hasCA},
			probe{right: "list " + right, listed: true, fresh: true, works: func() (bool, string) { return w.mendsCA(kind) }},
			w.watched(right),
		)
	}
	return all
}

// mendsCA takes the CA away, and reports whether it is written again at once: without being told, the program looks once in a minute.
func (w *world) mendsCA(kind string) (bool, string) {
	if has, _ := w.hasCA(kind); has {
		w.takeCA(kind)
	}
	err := await.Poll{Limit: time.Second, Every: 20 * time.Millisecond}.Until(w.t.Context(), "the CA", func(context.Context) (bool, string) { return w.hasCA(kind) })
	return err == nil, fmt.Sprint(err)
}

func (w *world) takeCA(kind string) {
	patch := []byte(`[{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]`)
	hooks := w.Client.AdmissionregistrationV1()
	var err error
	if kind == "mutatingwebhookconfigurations" {
		_, err = hooks.MutatingWebhookConfigurations().Patch(w.t.Context(), "akv-injector", types.JSONPatchType, patch, metav1.PatchOptions{})
	} else {
		_, err = hooks.ValidatingWebhookConfigurations().Patch(w.t.Context(), "akv-injector", types.JSONPatchType, patch, metav1.PatchOptions{})
	}
	check(w.t, err)
}

func (w *world) hasCA(kind string) (bool, string) {
	hooks := w.Client.AdmissionregistrationV1()
	var bundle []byte
	if kind == "mutatingwebhookconfigurations" {
		hook, err := hooks.MutatingWebhookConfigurations().Get(w.t.Context(), "akv-injector", metav1.GetOptions{})
		check(w.t, err)
		bundle = hook.Webhooks[0].ClientConfig.CABundle
	} else {
		hook, err := hooks.ValidatingWebhookConfigurations().Get(w.t.Context(), "akv-injector", metav1.GetOptions{})
		check(w.t, err)
		bundle = hook.Webhooks[0].ClientConfig.CABundle
	}
	return len(bundle) > 0, base64.StdEncoding.EncodeToString(bundle)
}
