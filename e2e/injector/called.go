package injector

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
)

// awaitCalled waits until the API server acts on both webhook configurations, of which it
// learns by watching. It creates two pods, as dry runs, that akv-injector always refuses:
// the mutating webhook the first, a validating one the second. The refusal names the
// webhook. A program without its CRDs answers no webhook; then the failed call of the
// mutating one names it, and the API server ignores that of the other.
func (in *Injector) awaitCalled(ctx context.Context) error {
	const namespace = "akv-injector-called"
	labels := map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}
	if err := in.cp.CreateNamespace(ctx, namespace, labels, nil); err != nil {
		return err
	}
	// What the webhooks say to the probes is for nobody to read.
	quiet := rest.CopyConfig(in.cp.Config)
	quiet.WarningHandler = rest.NoWarnings{}
	client, err := kubernetes.NewForConfig(quiet)
	if err != nil {
		return err
	}
	pods := client.CoreV1().Pods(namespace)
	asks := probePod()
	asks.Annotations = map[string]string{annotation.Prefix + "no-such-annotation": "x"}
	byHand := probePod()
	byHand.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: provider.DriverName, VolumeAttributes: map[string]string{"secretProviderClass": "none"},
	}}}}
	probes := map[string]*corev1.Pod{Mutating: asks}
	if !in.options.WithoutCRDs {
		probes[Handwritten] = byHand
	}
	for webhook, pod := range probes {
		what := "the API server to call " + webhook
		err := await.Poll{Limit: 30 * time.Second}.Until(ctx, what, func(ctx context.Context) (bool, string) {
			_, err := pods.Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			return err != nil && strings.Contains(err.Error(), webhook), fmt.Sprint(err)
		})
		if err != nil {
			return err
		}
	}
	return in.cp.Client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})
}

func probePod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "none"}}},
	}
}
