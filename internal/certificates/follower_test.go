package certificates

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"akv-injector/internal/testing/await"
)

// A replica serves what the Secret has, is not ready before it has something and when that has expired, and keeps the last good one.
func TestFollower(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "certs"}}
	client := fake.NewClientset(secret)
	f := NewFollower(Options{Client: client, Namespace: "ns", Secret: "certs", Webhooks: "w", Log: logr.Discard()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx, func() {}) }()
	ready := func(want string) {
		t.Helper()
		await.Poll{Limit: 10 * time.Second}.Require(t, "readiness: "+want, func(context.Context) (bool, string) {
			err := f.Ready(nil)
			if want == "" {
				return err == nil, ""
			}
			return err != nil && strings.Contains(err.Error(), want), "ready"
		})
	}
	write := func(data map[string][]byte) {
		t.Helper()
		changed := secret.DeepCopy()
		changed.Data = data
		if _, err := client.CoreV1().Secrets("ns").Update(t.Context(), changed, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	ready("has no tls.crt yet")
	if _, err := f.Get(nil); err == nil || testutil.ToFloat64(f.Metric()) != 0 {
		t.Errorf("it serves something: %v", err)
	}

	ca, err := newCA(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.newLeaf(time.Now(), time.Hour, names)
	if err != nil {
		t.Fatal(err)
	}
	good := (&state{signer: ca, leaf: leaf}).data()
	write(good)
	ready("")
	if got := testutil.ToFloat64(f.Metric()); got != float64(ca.cert.NotAfter.Unix()) {
		t.Errorf("the CA ends at %v", got)
	}
	for what, data := range map[string]map[string][]byte{
		"nothing": nil, "another key": {keyLeafCert: leaf.certPEM, keyLeafKey: ca.keyPEM}, "nonsense": {keyLeafCert: []byte("x"), keyLeafKey: []byte("y")},
	} {
		write(data)
		write(good)
		if served, err := f.Get(nil); err != nil || served.Leaf.SerialNumber.Cmp(leaf.cert.SerialNumber) != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	f.now = func() time.Time { return leaf.cert.NotAfter.Add(time.Second) }
	ready("expired")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
