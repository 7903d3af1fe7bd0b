package classes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// attacks has one test for each way in which somebody who may write pods could try
// to have akv-injector write what he may not: it can write classes, and he cannot. Each
// ends with a canary, a class that is restored after the attack's, so that what has not
// happened by then is not about to.
func attacks(t *testing.T, c *cluster.Cluster) {
	t.Run("annotations of a stored pod edited", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "edited-annotations")
		a.update(func(pod *corev1.Pod) {
			pod.Annotations[annotation.Vault] = "salaries-kv"
			pod.Annotations[annotation.Objects] = "CEO-Salary"
		})
		a.deleteClass()
		a.awaitClass(a.class)
		a.canary()
		a.wantNoSalaries()
	})

	t.Run("status of a stored pod edited to another content under the same name", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "edited-status")
		a.editStatus(func(s *inject.Status) { s.Classes[0].Parameters["keyvaultName"] = "salaries-kv" })
		a.deleteClass()
		a.canary()
		a.wantNoSalaries()
		a.wantNo(a.class)
	})

	t.Run("status of a stored pod edited to a true class that the pod does not mount", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "true-status")
		// A class whose name is its content's, taken from a pod in another namespace.
		other := newAttack(t, c, "true-status-elsewhere", annotation.Vault, "salaries-kv")
		stolen := other.status().Classes[0]
		a.editStatus(func(s *inject.Status) { s.Classes = append(s.Classes, stolen) })
		a.deleteClass()
		a.awaitClass(a.class)
		a.canary()
		a.wantNoSalaries()
	})

	t.Run("labels of a stored pod edited", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "edited-labels")
		a.update(func(pod *corev1.Pod) {
			pod.Labels = map[string]string{annotation.LabelManagedBy: annotation.ManagedBy, annotation.LabelInjected: "false"}
		})
		a.deleteClass()
		a.awaitClass(a.class) // what the pod mounts is restored, whatever its labels
		a.canary()
		if n := len(listClasses(t, c, a.namespace)); n != 2 {
			t.Errorf("there are %d classes, want the pod's and the canary's", n)
		}
	})

	t.Run("a fence set after the pod was stored", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "fenced")
		a.fence("canary-*")
		a.deleteClass()
		a.canary()
		a.wantNo(a.class)
		// Lifted by its owner, it lets the class come back by itself.
		a.fence("*")
		a.awaitClass(a.class)
	})

	t.Run("a namespace that opted out", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "opted-out")
		a.optIn(false)
		a.deleteClass()
		other := newAttack(t, c, "opted-out-canary")
		other.canary()
		a.wantNo(a.class)
		a.optIn(true)
		a.awaitClass(a.class)
	})

	t.Run("another pod's class named by hand", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "named-by-hand")
		readOnly := true
		pod := &corev1.Pod{}
		pod.Namespace, pod.Name = a.namespace, "thief"
		pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "registry.example/app"}}
		pod.Spec.Volumes = []corev1.Volume{{Name: "loot", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver: provider.DriverName, ReadOnly: &readOnly,
			VolumeAttributes: map[string]string{"secretProviderClass": a.class},
		}}}}
		a.wantRefused(pod, "secretProviderClass")
		// The same with a status that vouches for it.
		pod.ResourceVersion = ""
		pod.Annotations = map[string]string{annotation.Status: a.status().String()}
		a.wantRefused(pod, annotation.Status)
		// And in a pod that asks for something else.
		asking := cluster.Pod(a.namespace, "asking-thief", "Something-Else")
		asking.Spec.Volumes = pod.Spec.Volumes
		a.wantRefused(asking, "secretProviderClass")
		if n := len(listClasses(t, c, a.namespace)); n != 1 {
			t.Errorf("there are %d classes, want the first pod's alone", n)
		}
	})

	t.Run("a fenced vault asked for, with every waiver", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "waived")
		a.fence("canary-*")
		pod := cluster.Pod(a.namespace, "waiver", "CEO-Salary")
		pod.Annotations[annotation.Vault] = "salaries-kv"
		a.wantRefused(pod, "AKV018")
		pod.Annotations[annotation.Allow] = "AKV018"
		a.wantRefused(pod, "AKV018")
		a.wantNoSalaries()
	})

	t.Run("a class without our label under the name of ours", func(t *testing.T) {
		t.Parallel()
		a := newAttack(t, c, "unlabelled")
		class := c.Class(t, a.namespace, a.class)
		edit := client.RawPatch("application/merge-patch+json",
			[]byte(`{"metadata":{"labels":null},"spec":{"parameters":{"keyvaultName":"salaries-kv"}}}`))
		if err := c.API.Patch(t.Context(), class, edit); err != nil {
			t.Fatal(err)
		}
		a.canary()
		if now := c.Class(t, a.namespace, a.class); now == nil || now.ResourceVersion != class.ResourceVersion {
			t.Error("a class without our label was touched")
		}
		// A pod that would mount it is refused, not given what somebody else wrote.
		pod := cluster.Pod(a.namespace, "second", "DB-Password")
		a.wantRefused(pod, a.class)
	})
}

// attack is a namespace with an injected pod.
type attack struct {
	t         *testing.T
	c         *cluster.Cluster
	namespace string
	pod       *corev1.Pod
	class     string
	canaries  int
}

// newAttack makes one; annotations are keys and values for the pod.
func newAttack(t *testing.T, c *cluster.Cluster, namespace string, annotations ...string) *attack {
	t.Helper()
	c.Namespace(t, namespace, nil)
	a := &attack{t: t, c: c, namespace: namespace, pod: cluster.Pod(namespace, "victim", "DB-Password")}
	for i := 0; i+1 < len(annotations); i += 2 {
		a.pod.Annotations[annotations[i]] = annotations[i+1]
	}
	a.class = c.Create(t, a.pod)
	return a
}

func (a *attack) status() inject.Status {
	a.t.Helper()
	s, err := inject.ParseStatus(a.pod.Annotations[annotation.Status])
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

func (a *attack) update(edit func(*corev1.Pod)) {
	a.t.Helper()
	edit(a.pod)
	if err := a.c.API.Update(a.t.Context(), a.pod); err != nil {
		a.t.Fatal(err)
	}
}

func (a *attack) editStatus(edit func(*inject.Status)) {
	a.t.Helper()
	s := a.status()
	edit(&s)
	a.update(func(pod *corev1.Pod) { pod.Annotations[annotation.Status] = s.String() })
	// The replicas must have seen the edit before the class goes, or they restore it from
	// what the pod truly said; the pod's next version, seen by a watch, cannot tell that.
	// Their own answer can: they list pods in the order of the API server's history, so a
	// later pod's class that is restored says that this edit arrived.
	a.canary()
}

func (a *attack) deleteClass() {
	a.t.Helper()
	if err := a.c.API.Delete(a.t.Context(), a.c.Class(a.t, a.namespace, a.class)); err != nil {
		a.t.Fatal(err)
	}
}

// canary makes a pod of its own, deletes its class and waits until it is back.
func (a *attack) canary() {
	a.t.Helper()
	a.canaries++
	pod := cluster.Pod(a.namespace, fmt.Sprintf("canary-%d", a.canaries), "Canary")
	pod.Annotations[annotation.Vault] = "canary-kv"
	name := a.c.Create(a.t, pod)
	if err := a.c.API.Delete(a.t.Context(), a.c.Class(a.t, a.namespace, name)); err != nil {
		a.t.Fatal(err)
	}
	a.awaitClass(name)
}

func (a *attack) awaitClass(name string) {
	a.t.Helper()
	soon.Require(a.t, "the class "+name+" to be restored", func(ctx context.Context) (bool, string) {
		class := &secretsstorev1.SecretProviderClass{}
		err := a.c.API.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: name}, class)
		return err == nil, fmt.Sprint(err)
	})
}

func (a *attack) wantNo(name string) {
	a.t.Helper()
	if a.c.Class(a.t, a.namespace, name) != nil {
		a.t.Errorf("the class %s was written", name)
	}
}

// wantNoSalaries wants that no class was written for the vault that is fenced off.
func (a *attack) wantNoSalaries() {
	a.t.Helper()
	for _, class := range listClasses(a.t, a.c, a.namespace) {
		if class.Spec.Parameters["keyvaultName"] == "salaries-kv" {
			a.t.Errorf("the class %s was written, for the vault salaries-kv", class.Name)
		}
	}
}

// wantRefused wants a refusal that names something.
func (a *attack) wantRefused(pod *corev1.Pod, named string) {
	a.t.Helper()
	err := a.c.API.Create(a.t.Context(), pod)
	if err == nil {
		a.t.Errorf("the pod %s was stored", pod.Name)
		return
	}
	if !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) && !apierrors.IsConflict(err) || !strings.Contains(err.Error(), named) {
		a.t.Errorf("refused with %v (%s), which does not name %s", err, apierrors.ReasonForError(err), named)
	}
}

func (a *attack) fence(globs string) {
	a.t.Helper()
	a.patchNamespace(map[string]any{"annotations": map[string]any{annotation.AllowedVaults: globs}})
	if globs != "*" {
		a.settle() // a fence that is lifted is awaited by what comes of it
	}
}

func (a *attack) optIn(in bool) {
	a.t.Helper()
	value := "no"
	if in {
		value = annotation.InjectionEnabled
	}
	a.patchNamespace(map[string]any{"labels": map[string]any{annotation.LabelInjection: value}})
	if !in {
		a.settle()
	}
}

func (a *attack) patchNamespace(metadata map[string]any) {
	a.t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		a.t.Fatal(err)
	}
	namespace := &corev1.Namespace{}
	namespace.Name = a.namespace
	if err := a.c.API.Patch(a.t.Context(), namespace, client.RawPatch("application/merge-patch+json", patch)); err != nil {
		a.t.Fatal(err)
	}
}
