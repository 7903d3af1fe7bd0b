package inject_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/workload"
)

// shop is a namespace that has opted in, with an account that has an Azure identity.
func shop() (*corev1.Namespace, *corev1.ServiceAccount) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   "shop",
		Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled},
	}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "web",
		Annotations: map[string]string{
			"azure.workload.identity/client-id": "11111111-1111-1111-1111-111111111111",
			"azure.workload.identity/tenant-id": "22222222-2222-2222-2222-222222222222",
		},
	}}
	return namespace, account
}

// web is a pod that asks for an object of a vault.
func web(object string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Annotations: map[string]string{
			annotation.Vault: "shop-kv", annotation.Objects: object,
		}},
		Spec: corev1.PodSpec{
			ServiceAccountName: "web",
			Containers:         []corev1.Container{{Name: "app", Image: "registry.example/web:1"}},
		},
	}
}

func settings() inject.Settings { return inject.Settings{RotationPollInterval: "2m"} }

func ExampleParse() {
	namespace, _ := shop()
	request := inject.Parse(workload.PodTarget(web("DB-Password, tls.pem=cert/web")), namespace, settings())
	fmt.Println("asks:", request.Asks())
	needs := request.Needs()
	fmt.Println("needs the ServiceAccounts", needs.ServiceAccounts)
	// Output:
	// asks: true
	// needs the ServiceAccounts [web]
}

func ExampleDecide() {
	namespace, account := shop()
	request := inject.Parse(workload.PodTarget(web("DB-Password@0123456789abcdef0123456789abcdef")), namespace, settings())
	decision := inject.Decide(request, facts.Facts{
		Namespace:       namespace,
		ServiceAccounts: map[string]*corev1.ServiceAccount{"web": account},
	})
	for _, f := range decision.Errors() {
		fmt.Println(f.Place)
		fmt.Println(f)
	}
	// Output:
	// metadata.annotations[azure.keyvault.injector/objects]
	// AKV004 pinned-version: The secret "DB-Password" is pinned to one version; a rotated one never arrives. Fix: Write DB-Password without a version.
}

func ExampleDecide_patch() {
	namespace, account := shop()
	request := inject.Parse(workload.PodTarget(web("DB-Password")), namespace, settings())
	decision := inject.Decide(request, facts.Facts{
		Namespace:       namespace,
		ServiceAccounts: map[string]*corev1.ServiceAccount{"web": account},
	})
	for _, operation := range decision.Patch {
		fmt.Println(operation.Operation, operation.Path)
	}
	for _, class := range decision.Classes {
		fmt.Println("SecretProviderClass", class.Name)
	}
	// Output:
	// add /spec/volumes
	// add /spec/containers/0/volumeMounts
	// add /metadata/labels
	// add /metadata/annotations/azure.keyvault.injector~1status
	// SecretProviderClass akv-shop-kv-cmliafnvs5z6azomar3zsxjtg4
}
