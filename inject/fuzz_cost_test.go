package inject_test

import (
	"runtime"
	"strings"
	"testing"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/fixture"
)

const (
	// perByte is what a decision may allocate for each byte of its input, beside baseCost.
	// Linear reading of YAML takes some 400, in a list of single letters.
	perByte  = 2000
	baseCost = 1 << 20
)

// FuzzCost searches for texts that make a decision allocate more than a multiple of their
// size, or collect findings without end: what a tenant would send again and again.
func FuzzCost(f *testing.F) {
	f.Add("DB-Password\napi=secret/token", "A=api", "app", "AKV001", "payments-*", "array:\n- |\n  objectName: a\n  objectType: secret\n", 1)
	f.Add("array:\n- {objectName: a, objectVersionHistory: 99}\n", "A=a/1,B=a/x", "", "", "*a*b*c*d*", "array: [*a]\n", 40)
	f.Add("- |\n  objectName: a\n", "", "x,y", "AKV001,AKV002", "[", "<<: &a {b: *a}\narray:\n- x\n", 3)
	f.Add("a", "", "", "", "", strings.Repeat("- a\n", 20), 500)
	f.Fuzz(func(t *testing.T, objects, env, containers, allow, fence, classObjects string, repeat int) {
		// Repetition is what makes a small text a large one; a fuzzer finds it seldom.
		n := 1 + int(uint(repeat)%500)
		s := shape{pod: fixture.New().Pod, namespace: map[string]string{annotation.AllowedVaults: repeated(fence, n)}}
		s.pod.Annotations = map[string]string{
			annotation.Vault: "payments-kv", annotation.Objects: repeated(objects, n), annotation.Env: repeated(env, n),
			annotation.Containers: repeated(containers, n), annotation.Allow: repeated(allow, n),
		}
		class := fixture.New().Class
		class.Spec.Parameters[provider.ParamObjects] = repeated(classObjects, n)
		s.classes = []*secretsstorev1.SecretProviderClass{class}
		size := s.size(t)
		for k, v := range s.namespace {
			size += len(k) + len(v)
		}

		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		findings := s.decide(t)
		runtime.ReadMemStats(&after)
		if allocated, most := after.TotalAlloc-before.TotalAlloc, uint64(baseCost+perByte*size); allocated > most || allocated > maxAllocated {
			t.Errorf("%d KiB allocated for %d bytes of input, at most %d", allocated>>10, size, most>>10)
		}
		if len(findings) > maxFound {
			t.Errorf("%d findings, at most %d", len(findings), maxFound)
		}
	})
}

// repeated is a text n times, within what an object has room for.
func repeated(text string, n int) string {
	const most = 200 << 10
	if len(text) == 0 || len(text) > most {
		return text[:min(len(text), most)]
	}
	return strings.Repeat(text, min(n, most/len(text)))
}
