package inject_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/workload"
)

// shop returns a namespace that has opted in, and a ServiceAccount with an Azure identity.
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

// web returns a pod that asks for objects of a vault.
func web(objects string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Annotations: map[string]string{
			annotation.Vault: "shop-kv", annotation.Objects: objects,
		}},
		Spec: corev1.PodSpec{
			ServiceAccountName: "web",
			Containers:         []corev1.Container{{Name: "app", Image: "registry.example/web:1"}},
		},
	}
}

func settings() inject.Settings { return inject.Settings{RotationPollInterval: "2m"} }

// Parse reads the annotations of a pod. Needs names the facts to look up.
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

// Decide refuses a pod whose secret could not rotate. Each error has a place and a fix.
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

// Decide returns a patch for a pod without errors, and the class that the volume needs.
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

// Describe describes what the pod gets, as a dry run shows it.
func ExampleDecision_Describe() {
	namespace, account := shop()
	request := inject.Parse(workload.PodTarget(web("DB-Password, tls.pem=cert/web")), namespace, settings())
	known := facts.Facts{
		Namespace:       namespace,
		ServiceAccounts: map[string]*corev1.ServiceAccount{"web": account},
	}
	decision := inject.Decide(request, known)
	for _, line := range decision.Describe(known) {
		fmt.Println(line)
	}
	// Output:
	// Volume akv-shop-kv: class akv-shop-kv-giq27ub6ha4uj7qu7qtagivuc7, generated; created with the first pod if it does not exist.
	// Volume akv-shop-kv is mounted at /mnt/secrets-store in: app.
	// From vault shop-kv: /mnt/secrets-store/DB-Password = secret/DB-Password, /mnt/secrets-store/tls.pem = cert/web.
	// Identity 11111111-1111-1111-1111-111111111111 (ServiceAccount web), tenant 22222222-2222-2222-2222-222222222222 (ServiceAccount web), with the token of ServiceAccount web.
	// Requested interval: 2m (setting of akv-injector); the driver's interval is not known.
}

// OnUpdate turns an error that the object had before the update into a warning.
func ExampleOnUpdate() {
	decide := func(image string) inject.Decision {
		namespace, account := shop()
		pod := web("DB-Password@0123456789abcdef0123456789abcdef")
		pod.Spec.Containers[0].Image = image
		return inject.Decide(inject.Parse(workload.PodTarget(pod), namespace, settings()), facts.Facts{
			Namespace:       namespace,
			ServiceAccounts: map[string]*corev1.ServiceAccount{"web": account},
		})
	}
	before, now := decide("registry.example/web:1"), decide("registry.example/web:2")
	for _, f := range inject.OnUpdate(&now, &before) {
		fmt.Println(f.Severity, f.Rule, f.Message)
	}
	// Output:
	// warning AKV004 The secret "DB-Password" is pinned to one version; a rotated one never arrives (allowed: already present before this update).
}

// ParseClass and DecideClass find the mistakes of a hand-written class.
func ExampleDecideClass() {
	namespace, _ := shop()
	class := inject.ParseClass(&secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: secretsstorev1.SecretProviderClassSpec{
			Provider: "azure",
			Parameters: map[string]string{
				"keyvaultName": "shop-kv",
				"clientID":     "11111111-1111-1111-1111-111111111111",
				"tenantID":     "22222222-2222-2222-2222-222222222222",
				"objects": `array:
- |
  objectName: DB-Password
  objectType: secret
  objectVersion: 0123456789abcdef0123456789abcdef
`,
			},
		},
	}, namespace, settings())
	for _, f := range inject.DecideClass(class, facts.Facts{Namespace: namespace}) {
		fmt.Println(f.Place)
		fmt.Println(f)
	}
	// Output:
	// spec.parameters.objects[0].objectVersion
	// AKV004 pinned-version: The secret "DB-Password" is pinned to one version; a rotated one never arrives. Fix: Remove objectVersion from DB-Password, or leave it empty.
}
