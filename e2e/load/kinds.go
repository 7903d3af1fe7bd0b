package load

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// kind of what is sent.
type kind struct {
	name    string
	object  func(namespace string, number int) client.Object
	options []client.CreateOption
	stored  bool // and deleted again
	// wrong is the rule that refuses it; "" is none.
	wrong string
	// check says what is missing from one that is admitted.
	check func(client.Object) error
}

// sets is how many sets of objects, and so classes, the pods ask for.
const sets = 40

var dry = []client.CreateOption{client.DryRunAll}

// kinds in the order in which they are sent.
var kinds = []kind{
	{name: "pod that asks, dry run", object: asking, options: dry, check: injected},
	{name: "pod that asks", object: asking, stored: true, check: injected},
	{name: "pod that asks for a pinned version", object: askingWrongly, options: dry, wrong: "AKV004"},
	{name: "Deployment that asks", object: deployment, options: dry},
	{name: "pod that asks", object: asking, stored: true, check: injected},
	{name: "Deployment that asks for a pinned version", object: wrongDeployment, options: dry, wrong: "AKV004"},
	{name: "pod with a volume by hand that is not read-only", object: byHandWrongly, options: dry, wrong: "AKV002"},
	{name: "class", object: class, stored: true},
	{name: "pod that asks, dry run", object: asking, options: dry, check: injected},
	{name: "pod that asks for nothing", object: plain, options: dry},
}

func pod(namespace, objects string, number int) *corev1.Pod {
	p := cluster.Pod(namespace, fmt.Sprintf("load-%d", number), objects)
	// Nobody gives it a node: it is about admission.
	p.Spec.SchedulerName = "nobody"
	return p
}

func asking(namespace string, number int) client.Object {
	return pod(namespace, fmt.Sprintf("DB-Password,Key-%d", number%sets), number)
}

func askingWrongly(namespace string, number int) client.Object {
	return pod(namespace, "DB-Password@0123456789abcdef0123456789abcdef", number)
}

func plain(namespace string, number int) client.Object {
	p := pod(namespace, "", number)
	p.Annotations = nil
	return p
}

func injected(object client.Object) error {
	if p := object.(*corev1.Pod); p.Labels[annotation.LabelInjected] != "true" || len(cluster.Classes(p)) == 0 {
		return fmt.Errorf("stored with the labels %v and the classes %v", p.Labels, cluster.Classes(p))
	}
	return nil
}

func workload(p *corev1.Pod) client.Object {
	labels := map[string]string{"app": p.Name}
	p.Labels = labels
	p.Spec.SchedulerName = ""
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: p.Annotations}, Spec: p.Spec},
		},
	}
}

func deployment(namespace string, number int) client.Object {
	return workload(asking(namespace, number).(*corev1.Pod))
}

func wrongDeployment(namespace string, number int) client.Object {
	return workload(askingWrongly(namespace, number).(*corev1.Pod))
}

// byHandWrongly mounts a class without saying that the volume is read-only.
func byHandWrongly(namespace string, number int) client.Object {
	p := plain(namespace, number).(*corev1.Pod)
	p.Spec.Volumes = []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: provider.DriverName, VolumeAttributes: map[string]string{"secretProviderClass": "by-hand"},
	}}}}
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "secrets", MountPath: "/mnt/secrets", ReadOnly: true}}
	return p
}

func class(namespace string, number int) client.Object {
	return &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("by-hand-%d", number), Namespace: namespace},
		Spec: secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
			"keyvaultName": "payments-kv", "tenantID": cluster.TenantID, "clientID": cluster.ClientID,
			"objects": "array:\n  - |\n    objectName: DB-Password\n    objectType: secret\n",
		}},
	}
}
