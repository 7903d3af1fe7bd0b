package lint_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// documents is what make bench lints: a company's folder.
const documents = 5000

// BenchmarkLint reads and checks 5,000 documents, in files of 10, from a folder.
func BenchmarkLint(b *testing.B) {
	dir := b.TempDir()
	company(b, dir)
	before := processorTime(b)
	for b.Loop() {
		set := manifest.Source{Paths: []string{dir}, Recursive: true}.Read()
		report := lint.Check(set, set.Cluster("default", true), inject.Settings{})
		if report.Objects != documents || len(report.Problems) > 0 || report.Checked != documents*6/10 {
			b.Fatalf("%s %v", report.Summary(), report.Problems)
		}
		// One workload in ten has a subPath of a secrets-store volume.
		if errors := report.Count(finding.Error); errors != documents/10 {
			b.Fatalf("%d errors: %v", errors, report.Findings[:min(len(report.Findings), 3)])
		}
		if err := report.WriteSARIF(io.Discard, "bench"); err != nil {
			b.Fatal(err)
		}
	}
	// On a machine that does other things too, this tells more than the time.
	spent := (processorTime(b) - before) / time.Duration(b.N)
	b.ReportMetric(spent.Seconds(), "processor-s/op")
	if spent > most {
		b.Errorf("%s of processor time for %d documents, more than %s", spent, documents, most)
	}
}

// most is what linting them may take of one processor, and so, with two, half of it in time.
const most = 3 * time.Second

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// company writes applications, each of ten documents in one file.
func company(b *testing.B, dir string) {
	b.Helper()
	text := &bytes.Buffer{}
	fmt.Fprint(text, "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: secrets-store.csi.k8s.io}\n"+
		"spec: {requiresRepublish: true, tokenRequests: [{audience: api://AzureADTokenExchange}]}\n")
	for i := range documents / 10 {
		name := fmt.Sprintf("app-%d", i)
		if i > 0 {
			text.Reset()
			// The first file has the driver's object in place of a second ConfigMap.
			fmt.Fprint(text, strings.ReplaceAll(configMap, "NAME", name+"-more"))
		}
		for _, document := range []string{
			account, injected, injected2, byHand, cronJob, unsafe, class, service, configMap,
		} {
			fmt.Fprint(text, "---\n"+strings.ReplaceAll(document, "NAME", name))
		}
		folder := filepath.Join(dir, fmt.Sprintf("team-%d", i%20))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".yaml"), text.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

const account = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: NAME
  annotations:
    azure.workload.identity/client-id: 11111111-1111-1111-1111-111111111111
    azure.workload.identity/tenant-id: 22222222-2222-2222-2222-222222222222
`

// containers of a workload as one finds them, at the indentation of a template's spec.
const containers = `      containers:
        - name: web
          image: example.com/shop/web:1.2.3
          ports:
            - {name: http, containerPort: 8080}
          env:
            - {name: LOG_LEVEL, value: info}
            - name: POD_IP
              valueFrom: {fieldRef: {fieldPath: status.podIP}}
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 256Mi}
          readinessProbe:
            httpGet: {path: /ready, port: http}
            periodSeconds: 5
          livenessProbe:
            httpGet: {path: /live, port: http}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            - {name: secrets, mountPath: /mnt/secrets-store, readOnly: true}
`

const head = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME-KIND
  labels: {app.kubernetes.io/name: NAME, app.kubernetes.io/part-of: shop}
spec:
  replicas: 3
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME, azure.workload.identity/use: "true"}
`

const volumes = `      volumes:
        - name: tmp
          emptyDir: {}
        - name: secrets
          csi:
            driver: secrets-store.csi.k8s.io
            readOnly: true
            volumeAttributes:
              secretProviderClass: NAME
`

var (
	annotated = head + `      annotations:
        azure.keyvault.injector/vault: payments-kv
        azure.keyvault.injector/objects: |
          DB-Password
          tls.pem=cert/frontend
          api/token=secret/partner-api-token
        azure.keyvault.injector/objects.shared-kv: key/signing
    spec:
      serviceAccountName: NAME
` + strings.Replace(containers, "            - {name: secrets, mountPath: /mnt/secrets-store, readOnly: true}\n", "", 1) +
		"      volumes:\n        - name: tmp\n          emptyDir: {}\n"
	manual    = head + "    spec:\n      serviceAccountName: NAME\n" + containers + volumes
	injected  = strings.ReplaceAll(annotated, "KIND", "api")
	injected2 = strings.ReplaceAll(annotated, "KIND", "worker")
	byHand    = strings.ReplaceAll(manual, "KIND", "by-hand")
	unsafe    = strings.Replace(strings.ReplaceAll(manual, "KIND", "unsafe"),
		"/mnt/secrets-store, readOnly: true}", "/etc/password, readOnly: true, subPath: DB-Password}", 1)
)

const cronJob = `apiVersion: batch/v1
kind: CronJob
metadata:
  name: NAME-report
spec:
  schedule: "0 4 * * *"
  jobTemplate:
    spec:
      backoffLimit: 3
      template:
        metadata:
          annotations:
            azure.keyvault.injector/vault: payments-kv
            azure.keyvault.injector/objects: DB-Password
            azure.keyvault.injector/service-account: NAME
        spec:
          restartPolicy: OnFailure
          containers:
            - name: report
              image: example.com/shop/report:1.2.3
              args: [--since, 24h]
`

const class = `apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: NAME
spec:
  provider: azure
  parameters:
    usePodIdentity: "false"
    clientID: 11111111-1111-1111-1111-111111111111
    keyvaultName: payments-kv
    tenantID: 22222222-2222-2222-2222-222222222222
    objects: |
      array:
        - |
          objectName: DB-Password
          objectType: secret
        - |
          objectName: frontend
          objectType: cert
`

const service = `apiVersion: v1
kind: Service
metadata:
  name: NAME
  labels: {app: NAME}
spec:
  selector: {app: NAME}
  ports:
    - {name: http, port: 80, targetPort: http}
`

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
data:
  application.properties: |
    server.port=8080
    server.shutdown=graceful
    spring.datasource.url=jdbc:postgresql://db/shop
    management.endpoints.web.exposure.include=health,prometheus
  feature-flags.json: |
    {"checkout": true, "search": {"enabled": true, "limit": 20}}
`
