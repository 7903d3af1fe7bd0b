package rotation_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/system"
	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// byHand is a tenant whose namespace has not opted in, for what people write by hand:
// what each rule says of it is shown on a node where nobody refuses it.
type byHand struct{ *system.Tenant }

func newByHand(t *testing.T, s *system.System, name string) byHand {
	t.Helper()
	tenant, err := s.NewPlainTenant(t.Context(), name)
	check(t, err)
	clearAfter(t, s, tenant.Namespace)
	return byHand{tenant}
}

// object is an element of a class's objects: the provider's fields, a line each.
func object(name string, more ...string) string {
	lines := append([]string{"objectName: " + name}, more...)
	if !slices.ContainsFunc(more, func(line string) bool { return strings.HasPrefix(line, "objectType:") }) {
		lines = append(lines, "objectType: secret")
	}
	return strings.Join(lines, "\n")
}

// array is the provider's form of objects.
func array(objects ...string) string {
	text := "array:\n"
	for _, o := range objects {
		text += "  - |\n    " + strings.ReplaceAll(o, "\n", "\n    ") + "\n"
	}
	return text
}

// class is one of the tenant's vault and identity. It is not created.
func (b byHand) class(name string, objects ...string) *secretsstorev1.SecretProviderClass {
	return &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: b.Namespace},
		Spec: secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
			"keyvaultName": b.Vault, "clientID": b.ClientID, "tenantID": b.Azure.TenantID(), "objects": array(objects...),
		}},
	}
}

// storeVolume is a volume of a class, with the class's name.
func storeVolume(class string) corev1.Volume {
	return corev1.Volume{Name: class, VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: provider.DriverName, ReadOnly: new(true), VolumeAttributes: map[string]string{"secretProviderClass": class},
	}}}
}

// pod mounts each class at /mnt/<class> in its container app. It is not created.
func (b byHand) pod(name string, classes ...string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: b.Namespace},
		Spec: corev1.PodSpec{
			ServiceAccountName: system.Account, Containers: []corev1.Container{system.Sleeper("app")},
			TerminationGracePeriodSeconds: new(int64),
		},
	}
	for _, class := range classes {
		pod.Spec.Volumes = append(pod.Spec.Volumes, storeVolume(class))
		mount(pod, corev1.VolumeMount{Name: class, MountPath: "/mnt/" + class, ReadOnly: true})
	}
	return pod
}

// mount adds a mount to the pod's container app.
func mount(pod *corev1.Pod, m corev1.VolumeMount) {
	app := &pod.Spec.Containers[0]
	app.VolumeMounts = append(app.VolumeMounts, m)
}

// create creates objects.
func (b byHand) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		check(t, b.API.Create(t.Context(), o))
	}
}

// rotate sets DB-Password and waits until files of a pod's container app have the value.
// Done twice it shows that whatever has stayed as it was until then does so for good:
// everything that carries a new value to a container has done it two times over.
func (b byHand) rotate(t *testing.T, value, pod string, files ...string) {
	t.Helper()
	setSecret(t, b.Tenant, "DB-Password", value)
	for _, file := range files {
		check(t, b.AwaitContent(t.Context(), pod, file, value))
	}
}

// stays fails the test if a script in the pod's container app prints anything else.
func (b byHand) stays(t *testing.T, pod, script, want string) {
	t.Helper()
	if got := shell(t, b.Tenant, pod, "app", script); got != want {
		t.Errorf("%s of %s prints %q, want %q", script, pod, got, want)
	}
}

// refusedBy wants the rule to find something in the pod, as it would be found in a
// namespace that has opted in.
func (b byHand) refusedBy(t *testing.T, rule string, severity finding.Severity, pod *corev1.Pod) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: b.Namespace, Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled},
	}}
	target := &workload.Target{Meta: &pod.ObjectMeta, Spec: &pod.Spec}
	request := inject.Parse(target, ns, inject.Settings{})
	var found []string
	for _, f := range inject.Decide(request, b.known(t, ns, request.Needs())).Findings {
		if f.Rule == rule && f.Severity == severity {
			return
		}
		found = append(found, fmt.Sprintf("%s (%s): %s", f.Rule, f.Severity, f.Message))
	}
	t.Errorf("%s finds no %s in pod %s; found: %q", rule, severity, pod.Name, found)
}

func (b byHand) known(t *testing.T, ns *corev1.Namespace, needs facts.Needs) facts.Facts {
	t.Helper()
	known := facts.Facts{Namespace: ns, Classes: map[string]*facts.Class{}}
	for _, name := range needs.Classes {
		class := &secretsstorev1.SecretProviderClass{}
		err := b.API.Get(t.Context(), client.ObjectKey{Namespace: b.Namespace, Name: name}, class)
		check(t, client.IgnoreNotFound(err))
		if err != nil {
			class = nil
		}
		known.Classes[name] = facts.NewClass(class)
	}
	if needs.CSIDriver {
		driver, err := b.Client.StorageV1().CSIDrivers().Get(t.Context(), provider.DriverName, metav1.GetOptions{})
		check(t, err)
		known.CSIDriver = driver
	}
	return known
}

// exactly is a pattern that fits the words, which tests mostly know.
func exactly(words string) *regexp.Regexp { return regexp.MustCompile(regexp.QuoteMeta(words)) }

// awaitMountError waits for the kubelet's word on a pod whose volumes cannot be mounted.
func (b byHand) awaitMountError(t *testing.T, pod string, words *regexp.Regexp) {
	t.Helper()
	prefix := "pod/" + pod + " FailedMount"
	check(t, b.Await(t.Context(), b.Namespace, fmt.Sprintf("%q in an event %s", words, prefix), func(context.Context) (bool, string) {
		seen := ""
		events := b.Events(b.Namespace)
		for _, e := range events {
			if strings.HasPrefix(e, prefix+" ") {
				if words.MatchString(e) {
					t.Log(e)
					return true, ""
				}
				seen = e
			}
		}
		return false, seen
	}))
}
