package controller

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

func createdAgo(age time.Duration) func(*secretsstorev1.SecretProviderClass) {
	return func(spc *secretsstorev1.SecretProviderClass) {
		spc.CreationTimestamp = metav1.NewTime(testNow.Add(-age))
	}
}

// A class that no pod has ever named goes after a minute, and one that was used after the
// grace period.
func TestNeverUsedClassesGoSoon(t *testing.T) {
	for name, tc := range map[string]struct {
		created, unused time.Duration // ago
		stays           bool
	}{
		"never used, just marked":    {20 * time.Second, 10 * time.Second, true},
		"never used, over a minute":  {80 * time.Second, 70 * time.Second, false},
		"used before, over a minute": {time.Hour, 70 * time.Second, true},
		"used before, over grace":    {time.Hour, 11 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			class := classOf("payments-kv", "a")
			api := cluster(t, interceptor.Funcs{}, namespaceWith(), stored(class, markAgo(tc.unused), createdAgo(tc.created)))
			c, _ := testCollector(t, api, api)
			if _, err := c.Reconcile(t.Context(), testNamespaceRequest); err != nil {
				t.Fatal(err)
			}
			if got := storedClass(t.Context(), t, api, class.Name); (got != nil) != tc.stays {
				t.Errorf("the class is there: %t, want %t", got != nil, tc.stays)
			}
		})
	}
}

// A namespace keeps the newest of its unused classes, and those that pods name however many
// they are.
func TestUnusedClassesAreBounded(t *testing.T) {
	objects := []client.Object{namespaceWith()}
	const extra = 7
	for i := range maxUnused + extra {
		objects = append(objects, stored(classOf("payments-kv", fmt.Sprintf("a%d", i)), createdAgo(time.Hour), markAgo(time.Duration(300-i)*time.Second)))
	}
	used := classOf("payments-kv", "used")
	objects = append(objects, stored(used, createdAgo(time.Hour), markAgo(9*time.Minute)), mounting("a", nil, used.Name))
	api := cluster(t, interceptor.Funcs{}, objects...)
	c, _ := testCollector(t, api, api)
	if _, err := c.Reconcile(t.Context(), testNamespaceRequest); err != nil {
		t.Fatal(err)
	}
	var left secretsstorev1.SecretProviderClassList
	if err := api.List(t.Context(), &left); err != nil {
		t.Fatal(err)
	}
	if len(left.Items) != maxUnused+1 {
		t.Errorf("%d are left, want %d and the one in use", len(left.Items), maxUnused)
	}
	for i := range extra {
		if storedClass(t.Context(), t, api, classOf("payments-kv", fmt.Sprintf("a%d", i)).Name) != nil {
			t.Errorf("the one unused for %d s is left", 300-i)
		}
	}
}
