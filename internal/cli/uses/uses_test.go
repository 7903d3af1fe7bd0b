package uses

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject"
	"akv-injector/internal/cli/manifest"
)

const shop = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: shop
  namespace: shop
  annotations:
    azure.workload.identity/client-id: 11111111-1111-1111-1111-111111111111
    azure.workload.identity/tenant-id: 22222222-2222-2222-2222-222222222222
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: orders, namespace: shop}
spec:
  provider: azure
  parameters:
    keyvaultName: Shop-KV
    clientID: 11111111-1111-1111-1111-111111111111
    tenantID: 22222222-2222-2222-2222-222222222222
    objects: |
      array:
        - |
          objectName: DB-Password
          objectType: secret
        - |
          objectName: frontend
          objectType: cert
          objectAlias: tls/cert.pem
        - |
          objectName: Old-Key
          objectType: secret
          objectVersion: 0123456789abcdef0123456789abcdef
  secretObjects:
    - secretName: orders
      type: Opaque
      data:
        - {objectName: DB-Password, key: password}
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: forgotten, namespace: shop}
spec:
  provider: azure
  parameters:
    keyvaultName: shop-kv
    clientID: 11111111-1111-1111-1111-111111111111
    tenantID: 22222222-2222-2222-2222-222222222222
    objects: |
      array:
        - |
          objectName: Nobody-Reads
          objectType: key
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      serviceAccountName: shop
      initContainers:
        - name: migrate
          image: migrate:1
          volumeMounts: [{name: kv, mountPath: /kv, readOnly: true}]
      containers:
        - name: app
          image: app:1
          volumeMounts: [{name: kv, mountPath: /kv, readOnly: true}]
        - name: proxy
          image: proxy:1
          volumeMounts: [{name: kv, mountPath: /etc/cert.pem, subPath: tls/cert.pem, readOnly: true}]
        - name: worker
          image: worker:1
          env:
            - {name: PASSWORD, valueFrom: {secretKeyRef: {name: orders, key: password}}}
        - name: once
          image: once:1
          command: [sh, -c, "export P=$(cat /kv/DB-Password); exec app"]
          volumeMounts: [{name: kv, mountPath: /kv, readOnly: true}]
      volumes:
        - name: kv
          csi:
            driver: secrets-store.csi.k8s.io
            readOnly: true
            volumeAttributes: {secretProviderClass: orders}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: asks, namespace: shop}
spec:
  selector: {matchLabels: {app: asks}}
  template:
    metadata:
      labels: {app: asks}
      annotations:
        azure.keyvault.injector/objects.shop-kv: DB-Password
        azure.keyvault.injector/on-rotation: restart
    spec:
      serviceAccountName: shop
      containers: [{name: app, image: app:1}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: other}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          annotations:
            azure.keyvault.injector/objects.shop-kv: DB-Password
        spec:
          serviceAccountName: not-in-the-files
          restartPolicy: Never
          containers: [{name: job, image: job:1}]
`

func usesOf(t *testing.T, text, wanted string) *Report {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set := manifest.Source{Paths: []string{file}}.Read()
	want := Wanted{}
	if wanted != "" {
		var err error
		if want, err = parse(wanted); err != nil {
			t.Fatal(err)
		}
	}
	settings := inject.Settings{Cloud: "AzurePublicCloud", RotationPollInterval: "2m", Restarts: true}
	return Find(set, set.Cluster("", false), settings, want)
}

func parse(text string) (Wanted, error) {
	w, problem := ParseWanted(text)
	if problem.Found() {
		return w, errors.New(problem.String())
	}
	return w, nil
}

func TestFind(t *testing.T) {
	report := usesOf(t, shop, "")
	var got []string
	for _, r := range report.Rows {
		got = append(got, strings.Join([]string{r.Vault, r.Type, r.Object, r.Namespace, r.Workload, r.Container, r.From, string(r.Takes), r.Why}, " | "))
	}
	want := []string{
		"shop-kv | cert | frontend | shop | Deployment/orders | migrate | /kv/tls/cert.pem | next run | it is an init container",
		"shop-kv | cert | frontend | shop | Deployment/orders | app | /kv/tls/cert.pem | file | ",
		"shop-kv | cert | frontend | shop | Deployment/orders | proxy | /etc/cert.pem | never | it mounts the file with a subPath",
		"shop-kv | cert | frontend | shop | Deployment/orders | once | /kv/tls/cert.pem | never | its command reads the file once, when it starts",
		"shop-kv | secret | DB-Password | other | CronJob/nightly | job | /mnt/secrets-store-shop-kv/DB-Password | next run | it runs to its end",
		"shop-kv | secret | DB-Password | shop | Deployment/asks | app | /mnt/secrets-store-shop-kv/DB-Password | restart | akv-injector restarts the workload (on-rotation)",
		"shop-kv | secret | DB-Password | shop | Deployment/orders | migrate | /kv/DB-Password | next run | it is an init container",
		"shop-kv | secret | DB-Password | shop | Deployment/orders | app | /kv/DB-Password | file | ",
		"shop-kv | secret | DB-Password | shop | Deployment/orders | once | /kv/DB-Password | never | its command reads the file once, when it starts",
		"shop-kv | secret | DB-Password | shop | Deployment/orders | worker | variable PASSWORD | never | a variable keeps its value",
		"shop-kv | secret | Old-Key | shop | Deployment/orders | migrate | /kv/Old-Key | never | the version 0123456789abcdef0123456789abcdef is pinned",
		"shop-kv | secret | Old-Key | shop | Deployment/orders | app | /kv/Old-Key | never | the version 0123456789abcdef0123456789abcdef is pinned",
		"shop-kv | secret | Old-Key | shop | Deployment/orders | once | /kv/Old-Key | never | the version 0123456789abcdef0123456789abcdef is pinned",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
	unread := []Unread{{Cloud: "AzurePublicCloud", Vault: "shop-kv", Type: "key", Object: "Nobody-Reads", Namespace: "shop", Class: "forgotten"}}
	if diff := cmp.Diff(unread, report.Unread); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	const client = "11111111-1111-1111-1111-111111111111"
	roles := []Role{
		{Account: "other/not-in-the-files", Role: "Key Vault Secrets User", Vault: "shop-kv", Type: "secret", Objects: []string{"DB-Password"}},
		{ClientID: client, Role: "Key Vault Certificate User", Vault: "shop-kv", Type: "cert", Objects: []string{"frontend"}},
		{ClientID: client, Role: "Key Vault Secrets User", Vault: "shop-kv", Type: "secret", Objects: []string{"DB-Password", "Old-Key"}},
	}
	if diff := cmp.Diff(roles, report.Roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestWanted(t *testing.T) {
	for wanted, want := range map[string]int{
		"shop-kv": 13, "SHOP-KV/db-password": 6, "shop-kv/secret/DB-Password": 6, "shop-kv/key/DB-Password": 0, "other-kv": 0,
	} {
		if got := len(usesOf(t, shop, wanted).Rows); got != want {
			t.Errorf("%s: %d uses, want %d", wanted, got, want)
		}
	}
	for _, wrong := range []string{"", "a", "https://shop-kv.vault.azure.net", "shop-kv/", "shop-kv/password/x", "shop-kv/secret/", "a/b/c/d", "shop kv"} {
		if _, err := parse(wrong); err == nil {
			t.Errorf("%q names an object", wrong)
		}
	}
}

func TestTextIsPrintable(t *testing.T) {
	report := &Report{Rows: []Row{{Vault: "v", Type: "secret", Object: "a\x1b[31m\nb", Namespace: "n\tn", Workload: "w", Takes: inject.TakesNever, Why: "w\rw"}}}
	var b bytes.Buffer
	if err := report.WriteText(&b, true); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(b.String(), "\n"); lines != 2 {
		t.Errorf("%d lines: %q", lines, b.String())
	}
	if strings.ContainsAny(b.String(), "\x1b\r") {
		t.Errorf("%q", b.String())
	}
}
