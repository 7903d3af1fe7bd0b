package doctor_test

import (
	"maps"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func csiDriver() *storagev1.CSIDriver { return named(&storagev1.CSIDriver{}, "", provider.DriverName) }

// replaced deletes an object, and gives what creates it again.
func replaced(o client.Object) (breaks, mends func(t *testing.T, b *bench)) {
	breaks = func(t *testing.T, b *bench) {
		t.Helper()
		if err := b.API.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Fatal(err)
		}
		if err := b.API.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	return breaks, func(t *testing.T, b *bench) {
		t.Helper()
		o.SetResourceVersion("")
		o.SetUID("")
		if err := b.API.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

func without(broken, id, says string, o client.Object) fault {
	breaks, mends := replaced(o)
	return fault{broken: broken, id: id, says: says, breaks: breaks, mends: mends}
}

// create creates an object.
func create(t *testing.T, b *bench, o client.Object) {
	t.Helper()
	if err := b.API.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func podIn(namespace, name string, annotations map[string]string) *corev1.Pod {
	pod := cluster.Pod(namespace, name, "DB-Password")
	maps.Copy(pod.Annotations, annotations)
	return pod
}

var faults = []fault{
	without("the CSIDriver object is deleted", "AKVD003", "there is no CSIDriver", csiDriver()),
	{
		broken: "the CSIDriver requests tokens for another audience",
		id:     "AKVD004", says: "requests no token",
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			b.patch(t, csiDriver(), `{"spec":{"tokenRequests":[{"audience":"another"}]}}`)
		},
	},
	{
		broken: "the CSIDriver requests no token",
		id:     "AKVD004", says: "requests no token",
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			b.patch(t, csiDriver(), `{"spec":{"tokenRequests":null}}`)
		},
	},
	{
		broken: "the driver does not rotate (requiresRepublish is false)",
		id:     "AKVD005", says: "requiresRepublish",
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			b.patch(t, csiDriver(), `{"spec":{"requiresRepublish":false}}`)
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			b.patch(t, csiDriver(), `{"spec":{"requiresRepublish":true}}`)
		},
	},
	{
		broken: "the driver is not registered on a node",
		id:     "AKVD006", says: "not registered",
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			b.patch(t, named(&storagev1.CSINode{}, "", "node-1"), `{"spec":{"drivers":[]}}`)
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			b.patch(t, named(&storagev1.CSINode{}, "", "node-1"), `{"spec":{"drivers":[{"name":"`+provider.DriverName+`","nodeID":"node-1"}]}}`)
		},
	},
	{
		broken: "the driver is 1.6.0",
		id:     "AKVD007", says: "1.6.0",
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			image(t, b, "registry.example/driver:v1.6.0")
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			image(t, b, "registry.example/driver:v1.6.1")
		},
	},
	without("the configuration of the identity webhook is deleted", "AKVD009", "there is no MutatingWebhookConfiguration", named(&admissionregistrationv1.MutatingWebhookConfiguration{}, "", "azure-wi-webhook-mutating-webhook-configuration")),
	noDeployment(),
	{
		broken: "no replica of akv-injector is ready",
		id:     "AKVD020", says: "none of its replicas",
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			b.ready(t, 0)
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			b.ready(t, 2)
		},
	},
	{
		broken: "the identity webhook's configuration sorts before akv-injector's",
		id:     "AKVD024", says: "a-renamed",
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			create(t, b, identity("a-renamed"))
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			if err := b.API.Delete(t.Context(), identity("a-renamed")); err != nil {
				t.Fatal(err)
			}
		},
	},
	ourWebhooks("the webhook for pods is removed from its configuration", "AKVD021", "missing: pods.mutate.", func(c *admissionregistrationv1.MutatingWebhookConfiguration) { c.Webhooks = nil }),
	ourWebhooks("the webhook for pods fails open", "AKVD022", "another failurePolicy", func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
		ignore := admissionregistrationv1.Ignore
		c.Webhooks[0].FailurePolicy = &ignore
	}),
	ourWebhooks("the webhook for pods has no caBundle", "AKVD023", "there is no caBundle", func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
		c.Webhooks[0].ClientConfig.CABundle = nil
	}),
	ourWebhooks("the webhook for pods hears of updates too", "AKVD026", "rules", func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
		c.Webhooks[0].Rules[0].Operations = append(c.Webhooks[0].Rules[0].Operations, admissionregistrationv1.Update)
	}),
	ourWebhooks("a match condition is removed from the webhook for pods", "AKVD026", "matchConditions", func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
		c.Webhooks[0].MatchConditions = c.Webhooks[0].MatchConditions[1:]
	}),
	ourWebhooks("the selectors of the webhook for pods are changed", "AKVD026", "namespaceSelector, objectSelector", func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
		c.Webhooks[0].NamespaceSelector.MatchExpressions = c.Webhooks[0].NamespaceSelector.MatchExpressions[1:]
		c.Webhooks[0].ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "shop"}}
	}),
	{
		broken: "the pod has no annotation",
		id:     "AKVD040", says: "no annotation", args: []string{"-n", "shop", "plain"},
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			pod := cluster.Pod("shop", "plain", "x")
			pod.Annotations = nil
			create(t, b, pod)
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			if err := b.API.Delete(t.Context(), named(&corev1.Pod{}, "shop", "plain"), client.GracePeriodSeconds(0)); err != nil {
				t.Fatal(err)
			}
			create(t, b, podIn("shop", "plain", nil))
		},
	},
	{
		broken: "the namespace has not opted in",
		id:     "AKVD041", says: "has not opted in", args: []string{"-n", "elsewhere", "asks"},
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			if err := b.CreateNamespace(t.Context(), "elsewhere", nil, nil); err != nil {
				t.Fatal(err)
			}
			b.CreateAccount(t, "elsewhere")
			create(t, b, podIn("elsewhere", "asks", map[string]string{annotation.Vault: "payments-kv"}))
		},
	},
	{
		broken: "pods of the Azure provider are not ready",
		id:     "AKVD008", says: "1 of its 3 pods",
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			providerReady(t, b, 1)
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			providerReady(t, b, 3)
		},
	},
	{
		broken: "the namespace has the label control-plane",
		id:     "AKVD042", says: "control-plane", args: []string{"-n", "tiers", "asks"},
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			if err := b.CreateNamespace(t.Context(), "tiers", map[string]string{"control-plane": "x", annotation.LabelInjection: annotation.InjectionEnabled}, nil); err != nil {
				t.Fatal(err)
			}
			b.CreateAccount(t, "tiers")
			create(t, b, podIn("tiers", "asks", map[string]string{annotation.Vault: "payments-kv"}))
		},
	},
	{
		broken: "the ServiceAccount names no identity",
		id:     "AKVD045", says: "names no identity", args: []string{"-n", "tiers", "asks"},
		breaks: func(*testing.T, *bench) {},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			b.patch(t, named(&corev1.ServiceAccount{}, "tiers", "default"), `{"metadata":{"annotations":{"azure.workload.identity/client-id":"11111111-1111-1111-1111-111111111111"}}}`)
		},
	},
	{
		broken: "the pod reads its secret once, when it starts",
		id:     "AKVD044", says: "AKV028", args: []string{"-n", "shop", "deploy/wrong"},
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			create(t, b, workload("wrong", true))
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			if err := b.API.Delete(t.Context(), workload("wrong", true)); err != nil {
				t.Fatal(err)
			}
			create(t, b, workload("wrong", false))
		},
	},
	{
		broken: "the pod's mount is refused by Entra ID",
		id:     "AKVD060", says: "no federated credential of the identity is for this namespace", args: []string{"-n", "shop", "stuck"},
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			pod := podIn("shop", "stuck", nil)
			create(t, b, pod)
			create(t, b, failedMount(pod))
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			pod := named(&corev1.Pod{}, "shop", "stuck")
			if err := b.API.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
				t.Fatal(err)
			}
			create(t, b, podIn("shop", "stuck", nil))
		},
	},
	{
		broken: "the pod was created before its namespace opted in",
		id:     "AKVD043", says: "was not injected", args: []string{"-n", "elsewhere", "asks"},
		breaks: func(*testing.T, *bench) {},
		// Its controller creates it again: nothing runs one here.
		after: func(t *testing.T, b *bench) {
			t.Helper()
			create(t, b, podIn("elsewhere", "asks", map[string]string{annotation.Vault: "payments-kv"}))
		},
	},
	{
		broken: "the mount is refused, and succeeds later",
		id:     "AKVD060", says: "no federated credential of the identity is for this namespace", args: []string{"-n", "shop", "late"},
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			pod := podIn("shop", "late", nil)
			create(t, b, pod)
			create(t, b, failedMount(pod))
		},
		// The kubelet tries again: the mount succeeds, and the container starts. The event stays for an hour.
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			began := metav1.NewTime(time.Now().Add(time.Minute))
			pod := named(&corev1.Pod{}, "shop", "late")
			if err := b.API.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
				t.Fatal(err)
			}
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: began}}}}
			if err := b.API.Status().Update(t.Context(), pod); err != nil {
				t.Fatal(err)
			}
		},
	},
	notAsked(), deaf(), noClasses(),
	without("akv-injector's ClusterRoleBinding is deleted", "AKVD027", "create secretproviderclasses", named(&rbacv1.ClusterRoleBinding{}, "", "akv-injector")),
	without("the Role for the driver's DaemonSet is deleted", "AKVD027", "list daemonsets in namespace kube-system", named(&rbacv1.Role{}, "kube-system", "akv-injector-driver")),
	fronted("Kubernetes is too old", "AKVD001", "Kubernetes v1.29.15", func(f *front) { f.answer("/version", `{"major":"1","minor":"29","gitVersion":"v1.29.15"}`) }, func(f *front) { f.answer("/version", "") }),
	fronted("the cluster has no OIDC issuer", "AKVD010", "known in the cluster alone", func(f *front) { f.issuedBy("https://kubernetes.default.svc.cluster.local", "") }, whole10),
	fronted("the OIDC issuer names another", "AKVD010", "names another issuer", func(f *front) { f.issuedBy(f.issuer, "https://other.example/") }, whole10),
	leftOut("the namespaceSelector leaves the namespace out by its name", "leaves namespace shop out by its name", func(w *admissionregistrationv1.MutatingWebhook) {
		w.NamespaceSelector.MatchExpressions = append(w.NamespaceSelector.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"shop"},
		})
	}),
	leftOut("the objectSelector wants a label that the pod has not", "the objectSelector", func(w *admissionregistrationv1.MutatingWebhook) {
		w.ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "other"}}
	}),
	leftOut("a match condition was added that does not hold for the pod", "the match condition only-blue", func(w *admissionregistrationv1.MutatingWebhook) {
		w.MatchConditions = append(w.MatchConditions, admissionregistrationv1.MatchCondition{Name: "only-blue", Expression: "object.?metadata.?labels.?colour.orValue('') == 'blue'"})
	}),
	leftOut("a match condition was added that cannot be evaluated", "the match condition broken of pods.mutate.azure.keyvault.injector: it cannot be evaluated", func(w *admissionregistrationv1.MutatingWebhook) {
		w.MatchConditions = append(w.MatchConditions, admissionregistrationv1.MatchCondition{Name: "broken", Expression: "object.metadata.labels.colour == 'blue'"})
	}),
}

// fronted is a fault that the front plays.
func fronted(broken, id, says string, breaks, mends func(*front)) fault {
	return fault{
		broken: broken, id: id, says: says,
		breaks: func(_ *testing.T, b *bench) { breaks(b.front) },
		mends:  func(_ *testing.T, b *bench) { mends(b.front) },
	}
}

func whole10(f *front) { f.issuedBy(f.issuer, f.issuer) }

// leftOut is a webhook that somebody changed, so that it is not asked about a pod that asks.
func leftOut(broken, says string, change func(*admissionregistrationv1.MutatingWebhook)) fault {
	f := ourWebhooks(broken, "AKVD042", says, func(c *admissionregistrationv1.MutatingWebhookConfiguration) { change(&c.Webhooks[0]) })
	f.args = []string{"-n", "shop", "deploy/left-out"}
	breaks := f.breaks
	f.breaks = func(t *testing.T, b *bench) {
		t.Helper()
		d := workload("left-out", false)
		if err := b.API.Create(t.Context(), d); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
		breaks(t, b)
	}
	return f
}

// providerReady says how many of the provider's pods are ready: nothing runs them here.
func providerReady(t *testing.T, b *bench, ready int32) {
	t.Helper()
	d := named(&appsv1.DaemonSet{}, "kube-system", "provider")
	if err := b.API.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
		t.Fatal(err)
	}
	d.Status.DesiredNumberScheduled, d.Status.NumberReady = 3, ready
	if err := b.API.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// workload asks; a wrong one reads a file once, when it starts.
func workload(name string, wrong bool) *appsv1.Deployment {
	pod := cluster.Pod("shop", "x", "DB-Password")
	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: pod.Annotations}, Spec: pod.Spec},
		},
	}
	if wrong {
		// A rule that warns: akv-injector would refuse one that is an error.
		d.Spec.Template.Spec.Containers[0].Command = []string{"sh", "-c", "export P=$(cat /mnt/secrets-store/DB-Password); exec app"}
	}
	return d
}

// failedMount is an event as the kubelet has it of a mount that Entra ID refuses.
func failedMount(pod *corev1.Pod) *corev1.Event {
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: pod.Name + ".1", Namespace: pod.Namespace},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Reason:         "FailedMount", Type: corev1.EventTypeWarning, LastTimestamp: metav1.Now(),
		Message: `MountVolume.SetUp failed for volume "akv-payments-kv": AADSTS700213: No matching federated identity record found for presented assertion subject`,
	}
}

func noDeployment() fault {
	f := without("akv-injector's Deployment is deleted", "AKVD020", "there is no Deployment", deployment())
	mends := f.mends
	f.mends = func(t *testing.T, b *bench) {
		t.Helper()
		mends(t, b)
		b.ready(t, 2)
	}
	return f
}

// identity is a configuration of azure-workload-identity under another name. It is for nobody.
func identity(name string) *admissionregistrationv1.MutatingWebhookConfiguration {
	url, ignore, none := "https://127.0.0.1:1/", admissionregistrationv1.Ignore, admissionregistrationv1.SideEffectClassNone
	return &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "mutation.azure-workload-identity.io", ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &url}, FailurePolicy: &ignore, SideEffects: &none,
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
}

// ourWebhooks changes the configuration of our webhooks for pods, and puts it back.
func ourWebhooks(broken, id, says string, change func(*admissionregistrationv1.MutatingWebhookConfiguration)) fault {
	var was admissionregistrationv1.MutatingWebhookConfiguration
	get := func(t *testing.T, b *bench) *admissionregistrationv1.MutatingWebhookConfiguration {
		t.Helper()
		c := named(&admissionregistrationv1.MutatingWebhookConfiguration{}, "", "akv-injector")
		if err := b.API.Get(t.Context(), client.ObjectKeyFromObject(c), c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	put := func(t *testing.T, b *bench, c *admissionregistrationv1.MutatingWebhookConfiguration) {
		t.Helper()
		if err := b.API.Update(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	return fault{
		broken: broken, id: id, says: says,
		breaks: func(t *testing.T, b *bench) {
			t.Helper()
			c := get(t, b)
			c.DeepCopyInto(&was)
			change(c)
			put(t, b, c)
		},
		mends: func(t *testing.T, b *bench) {
			t.Helper()
			c := get(t, b)
			c.Webhooks = was.Webhooks
			put(t, b, c)
		},
	}
}

func image(t *testing.T, b *bench, image string) {
	t.Helper()
	d := named(&appsv1.DaemonSet{}, "kube-system", "secrets-store-csi-driver")
	if err := b.API.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
		t.Fatal(err)
	}
	d.Spec.Template.Spec.Containers[0].Image = image
	if err := b.API.Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}
