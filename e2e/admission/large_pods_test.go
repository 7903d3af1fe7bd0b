package admission_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
)

// largePods are as large as the API server takes them, 3 MiB. Whoever may create pods
// can send them, many at once: they may cost neither minutes nor all the memory.
func largePods() map[string]string {
	const (
		ours   = `"azure.keyvault.injector/`
		volume = `{"name":"v%","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"secretProviderClass":"c"}}}`
	)
	pod := func(annotations, spec string) string {
		return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"large","annotations":{"a":"b"` + annotations + `}},` +
			`"spec":{"serviceAccountName":"` + cluster.Account + `",` + spec + `}}`
	}
	container := `"containers":[{"name":"a","image":"a"}]`
	return map[string]string{
		"volumes": pod("", `"volumes":[`+repeated(15_000, volume)+`],"containers":[{"name":"a","image":"a","volumeMounts":[`+
			repeated(15_000, `{"name":"v%","mountPath":"/m/%","readOnly":true}`)+`]}]`),
		"mounts": pod("", `"volumes":[`+strings.ReplaceAll(volume, "%", "")+`],"containers":[{"name":"a","image":"a","volumeMounts":[`+
			repeated(40_000, `{"name":"v","mountPath":"/m/a%","subPath":"a"}`)+`]}]`),
		"containers": pod("", `"volumes":[`+strings.ReplaceAll(volume, "%", "")+`],"containers":[`+
			repeated(20_000, `{"name":"a%","image":"a","volumeMounts":[{"name":"v","mountPath":"/m/a%","subPath":"a"},{"name":"v","mountPath":"/m"}]}`)+`]`),
		"variables": pod(`,`+ours+`vault":"payments-kv",`+ours+`objects":"a",`+ours+`env":"`+repeated(150_000, "A%=a")+`"`, container),
		"vaults":    pod(`,`+repeated(200, ours+`objects.vault-%":"a"`), `"containers":[`+repeated(400, `{"name":"a%","image":"a"}`)+`]`),
		"objects": pod(`,`+ours+`vault":"payments-kv",`+ours+`objects":"array:\n`+
			strings.ReplaceAll(repeated(70_000, `- {objectName: o%}\n`), ",- ", "- ")+`"`, container),
	}
}

// repeated is a list of n elements, with their numbers in the place of %.
func repeated(n int, element string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(element, "%", fmt.Sprint(i)))
	}
	return b.String()
}

func TestLargePods(t *testing.T) {
	needProc(t)
	t.Parallel()
	s := own(t, installed())
	namespace := s.namespace(t)
	client := s.httpClient(t)
	replica := s.Injector.Replicas()[0]
	pods := largePods()
	for name, pod := range pods {
		for _, path := range paths {
			before := processorTime(t, replica)
			answer := s.verdictOn(t, client, path, reviewOf(namespace, pod))
			if took := processorTime(t, replica) - before; took > verdictLimit {
				t.Errorf("many %s to %s: took %s of a processor", name, path, took)
			}
			// One with very many elements is not even decoded.
			code, words := int32(http.StatusUnprocessableEntity), "Too "
			if answer.Result != nil && answer.Result.Code == http.StatusRequestEntityTooLarge {
				code, words = http.StatusRequestEntityTooLarge, "the most that is checked"
			}
			if answer.Allowed || answer.Result.Code != code || !strings.Contains(answer.Result.Message, words) {
				t.Errorf("many %s to %s: allowed %t, %.300v; want it refused as too large", name, path, answer.Allowed, answer.Result)
			}
		}
	}
	s.wantBoundedByRoom(t, client, replica, reviewOf(namespace, pods["volumes"]))
}

// wantBoundedByRoom sends large pods at once, which get their turn one after the other.
func (s *system) wantBoundedByRoom(t *testing.T, client *http.Client, replica *injector.Replica, review string) {
	t.Helper()
	const (
		atOnce  = 32
		allowed = 400 // MiB; without a bound on the work that is done at a time it is 700 and more
	)
	before := peakMemory(t, replica)
	var sending sync.WaitGroup
	for range atOnce {
		sending.Go(func() {
			// On a busy machine the last may be told that there is no room in time.
			if status, body := s.post(t, client, paths[1], strings.NewReader(review)); status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Errorf("HTTP %d: %s", status, body)
			}
		})
	}
	sending.Wait()
	grown := peakMemory(t, replica) - before
	t.Logf("%d large pods at once: from %d MiB to %d MiB more at most", atOnce, before, grown)
	if grown > allowed {
		t.Errorf("the memory grew by %d MiB, want at most %d", grown, allowed)
	}
}
