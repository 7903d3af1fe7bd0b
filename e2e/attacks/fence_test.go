package attacks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
)

// outside is a vault that the tenant may not use.
const outside = "salaries-kv"

// attempt is an object by which a pod would read a vault outside the fence.
type attempt struct {
	who    rest.ImpersonationConfig
	object client.Object
}

// attempts are those against a namespace whose fence is shop-*, with the class "inside", and
// with classes that are older than the fence.
func attempts(namespace string) map[string]attempt {
	attribute := map[string]string{"keyvaultName": outside}
	pod := func(attributes map[string]string, classes ...string) *corev1.Pod {
		return mounting(namespace, "attack", attributes, classes...)
	}
	classes := []string{"inside"}
	for i := range 250 {
		classes = append(classes, fmt.Sprintf("missing-%d", i))
	}
	padded := func(pod *corev1.Pod) *corev1.Pod {
		// Each < is six bytes in the JSON of a review.
		pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PAD", Value: strings.Repeat("<", 1_250_000)}}
		return pod
	}
	keys := func(c *secretsstorev1.SecretProviderClass) *secretsstorev1.SecretProviderClass {
		var unknown strings.Builder
		for i := range 60_000 {
			fmt.Fprintf(&unknown, "k%d: a\n", i)
		}
		c.Spec.Parameters["objects"] = unknown.String()
		return c
	}
	capitals := pod(attribute, "inside")
	capitals.Spec.Volumes[0].CSI.Driver = "Secrets-Store.csi.k8s.io"
	provider := class(namespace, "provider", outside)
	provider.Spec.Provider = "AZURE"
	ask := func(annotations map[string]string) *corev1.Pod {
		p := cluster.Pod(namespace, "attack", "DB-Password")
		for k, v := range annotations {
			p.Annotations["azure.keyvault.injector/"+k] = v
		}
		return p
	}
	return map[string]attempt{
		"an attribute, by a user":                       {user, pod(attribute, "inside")},
		"an attribute, by a controller":                 {controller, owned(pod(attribute, "inside"))},
		"an attribute, by the cluster's own controller": {builtin, owned(pod(attribute, "inside"))},
		"an attribute, by an operator in kube-system":   {operator, owned(pod(attribute, "inside"))},
		"an attribute beside 250 classes":               {user, pod(attribute, classes...)},
		"an attribute in a pod of 7.5 MB":               {user, padded(pod(attribute, "inside"))},
		"an attribute, the driver in capitals":          {user, capitals},
		"an attribute with spaces":                      {user, pod(map[string]string{"keyvaultName": " " + outside + "\n"}, "inside")},
		"an attribute in capitals":                      {user, pod(map[string]string{"keyvaultName": strings.ToUpper(outside)}, "inside")},
		"a class":                                       {user, class(namespace, "other", outside)},
		"a class, by a controller":                      {controller, class(namespace, "other", outside)},
		"a class with spaces":                           {user, class(namespace, "other", " "+outside+" ")},
		"a class of 60,000 keys":                        {user, keys(class(namespace, "other", outside))},
		"a class, its provider in capitals":             {user, provider},
		"a class older than the fence":                  {user, pod(nil, "older")},
		"the same, by a controller":                     {controller, owned(pod(nil, "older"))},
		"the same, by the cluster's own controller":     {builtin, owned(pod(nil, "older"))},
		"the same, beside 250 classes":                  {builtin, owned(pod(nil, append([]string{"older"}, classes[1:]...)...))},
		"the same, in a pod of 7.5 MB":                  {builtin, owned(padded(pod(nil, "older")))},
		"a reserved name older than the fence":          {user, pod(nil, reserved)},
		"the same, made by a controller":                {controller, owned(pod(nil, reserved))},
		"the same, made by the cluster's own":           {builtin, owned(pod(nil, reserved))},
		"an older class of 60,000 keys":                 {builtin, owned(pod(nil, "older-keys"))},
		"annotations":                                   {user, ask(map[string]string{"vault": outside})},
		"annotations in capitals":                       {user, ask(map[string]string{"vault": strings.ToUpper(outside)})},
		"annotations, a second vault":                   {user, ask(map[string]string{"objects." + outside: "a"})},
		"annotations, an own fence":                     {user, ask(map[string]string{"vault": outside, "allowed-vaults": "*"})},
		"annotations that waive":                        {user, ask(map[string]string{"vault": outside, "allow": "AKV018"})},
		"annotations that name an older class":          {user, ask(map[string]string{"secret-provider-class": "older"})},
	}
}

// reserved is a name like those of generated classes.
const reserved = "akv-salaries-kv-aaaaaaaaaaaaaaaaaaaaaaaaaa"

// fenced makes a namespace with the classes of the attempts, and then the fence.
func fenced(t *testing.T, c *cluster.Cluster, namespace string) {
	t.Helper()
	c.Namespace(t, namespace, nil)
	older := class(namespace, "older-keys", outside)
	var keys strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&keys, "k%d: a\n", i)
	}
	older.Spec.Parameters["objects"] = keys.String()
	// Before the namespace has a fence: by one whose writes are not looked at.
	unasked := as(t, c, account("kube-system", "namespace-controller"))
	for _, object := range []client.Object{
		class(namespace, "inside", "shop-kv"), class(namespace, "older", outside), class(namespace, reserved, outside), older,
	} {
		if err := unasked.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	setFence(t, c, namespace, "shop-*")
	probe := as(t, c, user)
	awaitSeen(t, "the fence to hold", func(ctx context.Context) error {
		return probe.Create(ctx, mounting(namespace, "probe", nil, "older"), client.DryRunAll)
	})
}

// Nothing that a tenant writes makes a pod read a vault outside the fence.
func TestFence(t *testing.T) {
	t.Parallel()
	c := start(t, 2)
	const namespace = "tenant"
	fenced(t, c, namespace)
	for name, a := range attempts(namespace) {
		t.Run(name, func(t *testing.T) {
			if err := as(t, c, a.who).Create(t.Context(), a.object); !byVerdict(err) {
				t.Errorf("%.300v, want it refused", err)
			}
		})
	}
	t.Run("an update of an allowed class", func(t *testing.T) {
		inside := &secretsstorev1.SecretProviderClass{}
		if err := c.API.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "inside"}, inside); err != nil {
			t.Fatal(err)
		}
		inside.Spec.Parameters["keyvaultName"] = outside
		if err := as(t, c, user).Update(t.Context(), inside); !byVerdict(err) {
			t.Errorf("%v, want it refused", err)
		}
	})
	t.Run("other objects of an older class", func(t *testing.T) {
		older := &secretsstorev1.SecretProviderClass{}
		if err := c.API.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "older"}, older); err != nil {
			t.Fatal(err)
		}
		older.Labels = map[string]string{"team": "a"}
		if err := as(t, c, user).Update(t.Context(), older); err != nil {
			t.Errorf("a label of an older class: %v", err)
		}
		older.Spec.Parameters["objects"] = "array:\n- |\n  objectName: Other\n  objectType: secret\n"
		if err := as(t, c, user).Update(t.Context(), older); !byVerdict(err) {
			t.Errorf("%v, want it refused", err)
		}
	})
	t.Run("a class behind the program's back", func(t *testing.T) {
		own := account(injectorNamespace, "akv-injector")
		if err := as(t, c, own).Delete(t.Context(), class(namespace, "inside", "shop-kv")); !byVerdict(err) {
			t.Errorf("our own account deletes a tenant's class: %v", err)
		}
	})
	t.Run("who stays inside", func(t *testing.T) {
		honest := cluster.Pod(namespace, "asks", "DB-Password")
		honest.Annotations["azure.keyvault.injector/vault"] = "shop-kv"
		for name, pod := range map[string]*corev1.Pod{"asks": honest, "by hand": mounting(namespace, "by-hand", nil, "inside")} {
			if err := as(t, c, user).Create(t.Context(), pod); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

const injectorNamespace = "akv-injector-system"

// While no replica answers, the fence holds, and who asks for nothing is untouched.
func TestFenceHoldsWithoutAReplica(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	const namespace = "tenant"
	fenced(t, c, namespace)
	stopAll(t, c)
	api := as(t, c, user)
	for name, object := range map[string]client.Object{
		"an attribute": mounting(namespace, "attack", map[string]string{"keyvaultName": outside}, "inside"),
		"a class":      class(namespace, "other", outside),
	} {
		if err := api.Create(t.Context(), object); !byVerdict(err) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
	plain := mounting(namespace, "plain", nil, "inside")
	plain.Spec.Volumes, plain.Spec.Containers[0].VolumeMounts = nil, nil
	for name, object := range map[string]client.Object{
		"no volume at all": plain,
		"a class inside":   class(namespace, "another", "shop-kv"),
		"a volume by hand": mounting(namespace, "by-hand", nil, "inside"),
	} {
		if err := api.Create(t.Context(), object); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := api.Create(t.Context(), cluster.Pod(namespace, "asks", "DB-Password")); err == nil {
		t.Error("a pod that asks is stored without injection")
	}
}
