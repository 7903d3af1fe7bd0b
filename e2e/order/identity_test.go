package order_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/workloadidentity"
	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// clusterTenant is the tenant that the identity webhook is started with.
const clusterTenant = "99999999-8888-7777-6666-555555555555"

// servesOurPods is what the order is for: a pod that came without a
// label and without a service account, and asks for objects of a vault, can log in to
// Azure in each of its containers, as the identity that we gave it.
func servesOurPods(t *testing.T, c *cluster.Cluster) {
	c.Namespace(t, "identity", nil)

	pod := cluster.Pod("identity", "pod", "DB-Password")
	always := corev1.ContainerRestartPolicyAlways
	pod.Spec.InitContainers = []corev1.Container{
		{Name: "migrate", Image: "registry.example/migrate"},
		{Name: "sidecar", Image: "registry.example/sidecar", RestartPolicy: &always},
	}
	pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
		Name: "worker", Image: "registry.example/worker",
		// What a manifest sets itself stays.
		Env: []corev1.EnvVar{{Name: "AZURE_TENANT_ID", Value: "its own"}},
	})
	class := c.Create(t, pod)

	if pod.Spec.ServiceAccountName != cluster.Account {
		t.Fatalf("the pod is stored with the service account %q, want %q", pod.Spec.ServiceAccountName, cluster.Account)
	}
	checkTokenVolume(t, pod)
	containers := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
	if len(containers) != 4 {
		t.Errorf("the pod is stored with %d containers, want 4", len(containers))
	}
	for _, container := range containers {
		tenant := cluster.TenantID
		if container.Name == "worker" {
			tenant = "its own"
		}
		checkIdentity(t, pod.Name, &container, tenant)
	}

	// Ours was called again for the changed pod, and added nothing twice.
	volumes := 0
	for _, v := range pod.Spec.Volumes {
		if v.CSI != nil {
			volumes++
		}
	}
	status, err := inject.ParseStatus(pod.Annotations[annotation.Status])
	if err != nil {
		t.Fatal(err)
	}
	for _, container := range pod.Spec.Containers {
		mounts := 0
		for _, m := range container.VolumeMounts {
			if m.Name == "akv-payments-kv" {
				mounts++
			}
		}
		if mounts != 1 || !slices.Contains(status.Containers, container.Name) {
			t.Errorf("%s has %d mounts of the secrets, want one, and the status names %v", container.Name, mounts, status.Containers)
		}
	}
	if volumes != 1 {
		t.Errorf("the pod is stored with %d volumes of secrets, want one", volumes)
	}
	stored := c.Class(t, "identity", class)
	if stored == nil {
		t.Fatalf("there is no class %s", class)
	}
	if got := stored.Spec.Parameters["clientID"]; got != cluster.ClientID {
		t.Errorf("the class logs in as %q, and the containers as %q", got, cluster.ClientID)
	}
}

// servesPodsOfControllers: a pod of a controller comes without a name: the volume's is then
// made of another one.
func servesPodsOfControllers(t *testing.T, c *cluster.Cluster) {
	c.Namespace(t, "generated", nil)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Name: "without-tenant", Namespace: "generated",
		Annotations: map[string]string{provider.AnnotationClientID: cluster.ClientID},
	}}
	if err := c.API.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	pod := cluster.Pod("generated", "", "DB-Password")
	pod.GenerateName = "web-"
	pod.Annotations[annotation.ServiceAccount] = account.Name
	pod.Annotations[annotation.TenantID] = clusterTenant
	c.Create(t, pod)
	for _, container := range pod.Spec.Containers {
		checkIdentity(t, pod.GenerateName+" (prefix)", &container, clusterTenant)
	}
}

func startIdentityWebhook(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	webhook, err := workloadidentity.Start(t.Context(), c.ControlPlane, workloadidentity.Options{
		TenantID: clusterTenant, Log: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the identity webhook logged:\n%s", webhook.Log())
		}
		if err := webhook.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func checkTokenVolume(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	name := workloadidentity.VolumeName(pod.Name)
	for _, v := range pod.Spec.Volumes {
		if v.Name != name {
			continue
		}
		if v.Projected == nil || len(v.Projected.Sources) != 1 || v.Projected.Sources[0].ServiceAccountToken == nil ||
			v.Projected.Sources[0].ServiceAccountToken.Audience != workloadidentity.Audience {
			t.Errorf("the token volume is %+v", v)
		}
		return
	}
	t.Errorf("the pod is stored without the volume %s", name)
}

// checkIdentity looks for all that Azure's SDKs need to log in.
func checkIdentity(t *testing.T, podName string, container *corev1.Container, tenant string) {
	t.Helper()
	env := map[string]string{}
	for _, e := range container.Env {
		env[e.Name] = e.Value
	}
	for name, want := range map[string]string{
		"AZURE_CLIENT_ID":            cluster.ClientID,
		"AZURE_TENANT_ID":            tenant,
		"AZURE_FEDERATED_TOKEN_FILE": workloadidentity.TokenFile,
		"AZURE_AUTHORITY_HOST":       "https://login.microsoftonline.com/",
	} {
		if env[name] != want {
			t.Errorf("%s has %s=%q, want %q", container.Name, name, env[name], want)
		}
	}
	mounted := slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool {
		return m.Name == workloadidentity.VolumeName(podName) && m.MountPath == workloadidentity.MountPath && m.ReadOnly
	})
	if !mounted {
		t.Errorf("%s has no token: its mounts are %v", container.Name, container.VolumeMounts)
	}
}
