package rights_test

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

const classes = "secretproviderclasses.secrets-store.csi.x-k8s.io"

// admission are rights that an answer to an admission request needs.
func admission(w *world) []probe {
	return []probe{
		{right: "create " + classes, works: w.podGetsItsClass},
		{right: "get " + classes, works: w.wrongClassIsMended},
		{right: "update " + classes, works: w.wrongClassIsMended},
		{right: "create subjectaccessreviews.authorization.k8s.io", works: w.bindingIsLookedUp},
		// What is refused by what a cache has is looked at again, at the API server.
		{right: "get namespaces", works: w.refusesFor(wrongAccount, "AKV012")},
		{right: "get serviceaccounts", works: w.refusesFor(wrongAccount, "AKV012")},
		{right: "get csidrivers.storage.k8s.io", prepare: w.legacyClass, works: w.refusesFor(mountLegacy, "AKV011")},
		{right: "list daemonsets.apps", listed: true, fresh: true, works: w.says015},
	}
}

// podGetsItsClass creates a pod that asks for what no other asks for.
func (w *world) podGetsItsClass() (bool, string) {
	pod := cluster.Pod("shop", w.name("asks"), w.name("secret"))
	if err := w.API.Create(w.t.Context(), pod); err != nil {
		return false, err.Error()
	}
	classes := cluster.Classes(pod)
	return len(classes) == 1 && w.Class(w.t, "shop", classes[0]) != nil, fmt.Sprint(classes)
}

// wrongClassIsMended creates a pod whose class is there, with another vault.
func (w *world) wrongClassIsMended() (bool, string) {
	pod := cluster.Pod("shop", w.name("asks"), w.name("secret"))
	preview := pod.DeepCopy()
	if err := w.API.Create(w.t.Context(), preview, client.DryRunAll); err != nil {
		return false, err.Error()
	}
	name := cluster.Classes(preview)[0]
	check(w.t, w.API.Create(w.t.Context(), &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{annotation.LabelManagedBy: "akv-injector"}},
		Spec: secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
			"keyvaultName": "another", "tenantID": cluster.TenantID, "clientID": cluster.ClientID,
			"objects": "array:\n  - |\n    objectName: other\n    objectType: secret\n",
		}},
	}))
	if err := w.API.Create(w.t.Context(), pod); err != nil {
		return false, err.Error()
	}
	class := w.Class(w.t, "shop", name)
	return class != nil && class.Spec.Parameters["keyvaultName"] == "payments-kv", fmt.Sprint(class)
}

// bindingIsLookedUp creates a pod whose account may not use an identity binding, and looks for words about that.
func (w *world) bindingIsLookedUp() (bool, string) {
	pod := cluster.Pod("shop", w.name("asks"), w.name("secret"))
	pod.Annotations[annotation.IdentityMode] = annotation.IdentityBinding
	w.warnings.said = nil
	err := w.API.Create(w.t.Context(), pod, client.DryRunAll)
	said := strings.Join(w.warnings.said, "\n")
	return err == nil && strings.Contains(said, "may not use"), fmt.Sprint(err, said)
}

// refusesFor creates pods that are wrong.
func (w *world) refusesFor(harm func(*corev1.Pod), rule string) func() (bool, string) {
	return func() (bool, string) {
		pod := cluster.Pod("shop", w.name("asks"), w.name("secret"))
		harm(pod)
		err := w.API.Create(w.t.Context(), pod, client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), rule), fmt.Sprint(err)
	}
}

// wrongAccount has a pod ask with an account that has no client id.
func wrongAccount(pod *corev1.Pod) { pod.Annotations[annotation.ServiceAccount] = bareAccount }

const bareAccount = "bare"

const legacy = "legacy"

// legacyClass is one without a usable identity, which was there before its namespace opted in.
func (w *world) legacyClass() {
	check(w.t, w.CreateNamespace(w.t.Context(), legacy, nil, nil))
	check(w.t, w.API.Create(w.t.Context(), &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Namespace: legacy, Name: legacy},
		Spec: secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
			"keyvaultName": "payments-kv", "tenantID": cluster.TenantID, "usePodIdentity": "true", "objects": "array:\n  - |\n    objectName: one\n    objectType: secret\n",
		}},
	}))
	check(w.t, w.API.Create(w.t.Context(), cluster.ServiceAccount(legacy)))
	ns := &corev1.Namespace{}
	check(w.t, w.API.Get(w.t.Context(), client.ObjectKey{Name: legacy}, ns))
	ns.Labels[annotation.LabelInjection] = annotation.InjectionEnabled
	check(w.t, w.API.Update(w.t.Context(), ns))
}

func mountLegacy(pod *corev1.Pod) {
	pod.Namespace, pod.Annotations = legacy, nil
	pod.Spec.ServiceAccountName = cluster.Account
	pod.Spec.Volumes = []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: provider.DriverName, ReadOnly: new(true), VolumeAttributes: map[string]string{provider.AttributeClass: legacy},
	}}}}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "secrets", MountPath: "/secrets", ReadOnly: true}}
}

func (w *world) says015() (bool, string) {
	said := w.says()
	return strings.Contains(said, "AKV015"), said
}

// setDriver writes what a cluster says of its driver: one that rotates, or that asks for no tokens and does not rotate.
func (w *world) setDriver(good bool) {
	for _, o := range []client.Object{
		&storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName}},
		&appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "secrets-store-csi-driver"}},
	} {
		check(w.t, client.IgnoreNotFound(w.API.Delete(w.t.Context(), o)))
	}
	csi := &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName},
		Spec: storagev1.CSIDriverSpec{
			PodInfoOnMount: new(true), AttachRequired: new(false), VolumeLifecycleModes: []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecycleEphemeral},
		},
	}
	arguments := []string{"--provider-volume=/provider"}
	if good {
		csi.Spec.RequiresRepublish, csi.Spec.TokenRequests = new(true), []storagev1.TokenRequest{{Audience: "api://AzureADTokenExchange"}}
		arguments = append(arguments, "--enable-secret-rotation=true", "--rotation-poll-interval=10s")
	}
	check(w.t, w.API.Create(w.t.Context(), csi))
	labels := map[string]string{"app": "secrets-store-csi-driver"}
	check(w.t, w.API.Create(w.t.Context(), &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "secrets-store-csi-driver"},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "secrets-store", Image: "registry.example/driver:v1.6.0", Args: arguments}}},
			},
		},
	}))
}
