package admission_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestProbeMemory(t *testing.T) {
	s := own(t, installed())
	ns := s.namespace(t, optedIn, nil)
	client := s.httpClient(t)
	r := s.in.Replicas()[0]
	rep := func(n int, f string) string {
		var b strings.Builder
		for i := range n { if i > 0 { b.WriteString(",") }; b.WriteString(strings.ReplaceAll(f, "%", fmt.Sprint(i))) }
		return b.String()
	}
	wrap := func(ann, spec string) string {
		return reviewOf(ns, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","annotations":{"a":"b"`+ann+`}},"spec":{"serviceAccountName":"`+account+`",`+spec+`}}`)
	}
	const P = `"azure.keyvault.injector/`
	vol := `{"name":"v%","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"secretProviderClass":"c"}}}`
	for _, c := range []struct{ name, path, review string }{
		{"B 15k volumes, 15k mounts", paths[1], wrap("", `"volumes":[`+rep(15000, vol)+`],"containers":[{"name":"a","image":"a","volumeMounts":[`+rep(15000, `{"name":"v%","mountPath":"/m/%","readOnly":true}`)+`]}]`)},
		{"C 40k subPath mounts", paths[1], wrap("", `"volumes":[`+vol+`],"containers":[{"name":"a","image":"a","volumeMounts":[`+rep(40000, `{"name":"v%","mountPath":"/m/a%","subPath":"a"}`)+`]}]`)},
		{"C2 40k mounts of one", paths[1], wrap("", `"volumes":[`+strings.ReplaceAll(vol, "%", "")+`],"containers":[{"name":"a","image":"a","volumeMounts":[`+rep(40000, `{"name":"v","mountPath":"/m/a%","subPath":"a"}`)+`]}]`)},
		{"C3 20k containers mounts of one", paths[1], wrap("", `"volumes":[`+strings.ReplaceAll(vol, "%", "")+`],"containers":[`+rep(20000, `{"name":"a%","image":"a","volumeMounts":[{"name":"v","mountPath":"/m/a%","subPath":"a"},{"name":"v","mountPath":"/m"}]}`)+`]`)},
		{"D env", paths[0], wrap(`,`+P+`vault":"payments-kv",`+P+`objects":"a",`+P+`env":"`+rep(15000, "A%=a")+`"`, `"containers":[{"name":"a","image":"a","env":[`+rep(60000, `{"name":"B%"}`)+`]}]`)},
		{"A0 50 vaults x 2k containers", paths[0], wrap(`,`+rep(50, P+`objects.vault-%":"a"`), `"containers":[`+rep(2000, `{"name":"a%","image":"a"}`)+`]`)},
		{"A 200 vaults x 20k containers", paths[0], wrap(`,`+rep(200, P+`objects.vault-%":"a"`), `"containers":[`+rep(20000, `{"name":"a%","image":"a"}`)+`]`)},
	} {
		before := peakMemory(t, r)
		began := time.Now()
		status, body := s.post(t, client, c.path, strings.NewReader(c.review))
		t.Logf("%s: %d KiB, took %s, HTTP %d, answer %d KiB %.200s: peak %d -> %d MiB", c.name, len(c.review)>>10, time.Since(began), status, len(body)>>10, body, before, peakMemory(t, r))
	}
}
