package convert_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"akv-injector/inject"
	"akv-injector/internal/cli/convert"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// applications is how many there are in the one file: three objects each.
const applications = 2000

const application = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: app-NUMBER
  namespace: shop
  annotations:
    azure.workload.identity/client-id: 11111111-1111-1111-1111-111111111111
    azure.workload.identity/tenant-id: 22222222-2222-2222-2222-222222222222
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: app-NUMBER
  namespace: shop
spec:
  provider: azure
  parameters:
    clientID: 11111111-1111-1111-1111-111111111111
    keyvaultName: shop-kv
    tenantID: 22222222-2222-2222-2222-222222222222
    objects: |
      array:
        - |
          objectName: db
          objectType: secret
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-NUMBER
  namespace: shop
spec:
  selector:
    matchLabels:
      app: app-NUMBER
  template:
    metadata:
      labels:
        app: app-NUMBER
    spec:
      serviceAccountName: app-NUMBER
      containers:
        - name: app
          image: registry.example/app:1
          env:
            - name: TEXT
              value: PADDING
          volumeMounts:
            - name: kv
              mountPath: /mnt/kv
              readOnly: true
      volumes:
        - name: kv
          csi:
            driver: secrets-store.csi.k8s.io
            readOnly: true
            volumeAttributes:
              secretProviderClass: app-NUMBER
`

// file is one of 6,000 objects and 5 MB, in documents or as the List that kubectl get writes.
func file(list bool) string {
	var documents []string
	for n := range applications {
		text := strings.NewReplacer("NUMBER", fmt.Sprint(n), "PADDING", strings.Repeat("x", 1100)).Replace(application)
		documents = append(documents, strings.Split(text, "---\n")...)
	}
	if !list {
		return strings.Join(documents, "---\n")
	}
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: List\nitems:\n")
	for _, d := range documents {
		b.WriteString("  - " + strings.ReplaceAll(strings.TrimSuffix(d, "\n"), "\n", "\n    ") + "\n")
	}
	return b.String()
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkOneFile lints and converts a file of 6,000 objects. What they may take is processor time, on one processor.
func BenchmarkOneFile(b *testing.B) {
	for _, form := range []string{"documents", "list"} {
		text := file(form == "list")
		read := func() *manifest.Set {
			return manifest.Source{Paths: []string{"-"}, Stdin: strings.NewReader(text)}.Read()
		}
		for _, task := range []struct {
			name string
			most time.Duration
			do   func(b *testing.B)
		}{
			{"lint", 3 * time.Second, func(b *testing.B) {
				b.Helper()
				set := read()
				report := lint.Check(set, set.Cluster("", false), inject.Settings{})
				if report.Objects != 3*applications || len(report.Findings) > 0 || len(report.Problems) > 0 {
					b.Fatalf("%s: %v", report.Summary(), report.Problems)
				}
			}},
			{"convert", 6 * time.Second, func(b *testing.B) {
				b.Helper()
				set := read()
				result, err := convert.Convert(set, set.Cluster("", false), inject.Settings{})
				if err != nil || len(result.Converted) != applications {
					b.Fatalf("%d converted: %v %v", len(result.Converted), err, result.Left[:min(len(result.Left), 2)])
				}
			}},
		} {
			b.Run(form+"/"+task.name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				before := processorTime(b)
				for b.Loop() {
					task.do(b)
				}
				spent := (processorTime(b) - before) / time.Duration(b.N)
				b.ReportMetric(spent.Seconds(), "processor-s/op")
				if spent > task.most {
					b.Errorf("%s of processor time, more than %s", spent, task.most)
				}
			})
		}
	}
}
