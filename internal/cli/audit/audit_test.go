package audit_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/internal/cli/audit"
	"akv-injector/internal/cli/lint"
)

const shop = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations: {azure.workload.identity/client-id: 11111111-1111-1111-1111-111111111111}
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: secrets-store.csi.k8s.io}
spec: {requiresRepublish: true, tokenRequests: [{audience: "api://AzureADTokenExchange"}]}
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: shop, namespace: shop, uid: class-uid}
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
          objectVersion: abc
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: web-uid}
spec:
  template:
    spec: &pod
      serviceAccountName: web
      containers:
        - {name: app, image: app, volumeMounts: [{name: kv, mountPath: /mnt/kv/db, subPath: db, readOnly: true}]}
      volumes:
        - name: kv
          csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: shop}}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-1
  namespace: shop
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: x, controller: true}]
spec:
  serviceAccountName: web
  containers:
    - {name: app, image: app, volumeMounts: [{name: kv, mountPath: /mnt/kv/db, subPath: db, readOnly: true}]}
  volumes:
    - name: kv
      csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: shop}}
---
apiVersion: v1
kind: Pod
metadata: {name: alone, namespace: other}
spec:
  containers:
    - {name: app, image: app, volumeMounts: [{name: kv, mountPath: /mnt/kv}]}
  volumes:
    - name: kv
      csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: nowhere}}
`

func client(t *testing.T) *fake.FakeDynamicClient {
	t.Helper()
	var objects []runtime.Object
	for text := range strings.SplitSeq(shop, "---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	lists := map[schema.GroupVersionResource]string{}
	for resource, kind := range map[string]string{
		"/v1/namespaces": "NamespaceList", "storage.k8s.io/v1/csidrivers": "CSIDriverList", "apps/v1/daemonsets": "DaemonSetList",
		"/v1/serviceaccounts": "ServiceAccountList", "secrets-store.csi.x-k8s.io/v1/secretproviderclasses": "SecretProviderClassList",
		"apps/v1/deployments": "DeploymentList", "apps/v1/statefulsets": "StatefulSetList", "apps/v1/replicasets": "ReplicaSetList",
		"/v1/replicationcontrollers": "ReplicationControllerList", "batch/v1/cronjobs": "CronJobList", "batch/v1/jobs": "JobList", "/v1/pods": "PodList",
		"argoproj.io/v1alpha1/rollouts": "RolloutList", "serving.knative.dev/v1/services": "ServiceList",
	} {
		part := strings.Split(resource, "/")
		lists[schema.GroupVersionResource{Group: part[0], Version: part[1], Resource: part[2]}] = kind
	}
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, objects...)
}

func check(t *testing.T, r *audit.Reader) (*lint.Report, []string) {
	t.Helper()
	set, complete, notes, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return lint.Check(set, set.Cluster("", complete), inject.Settings{}), notes
}

// What is in the cluster is judged as it would be in files; a pod that a controller makes is not told beside its workload.
func TestAudit(t *testing.T) {
	report, notes := check(t, &audit.Reader{Client: client(t)})
	var got []string
	for _, f := range report.Findings {
		got = append(got, f.Namespace+" "+f.Kind+"/"+f.Name+" "+string(f.Severity)+" "+f.Rule)
	}
	want := []string{
		"other Pod/alone error AKV002", "other Pod/alone warning AKV003", "other Pod/alone warning AKV007",
		"shop Deployment/web error AKV001", "shop SecretProviderClass/shop error AKV004",
	}
	for _, line := range want {
		if !strings.Contains(strings.Join(got, "\n"), line) {
			t.Errorf("%q is not found", line)
		}
	}
	if len(got) != len(want) || len(notes) > 0 {
		t.Errorf("found %q, notes %q", got, notes)
	}
	if report, _ := check(t, &audit.Reader{Client: client(t), Namespace: "shop"}); len(report.Findings) != 2 {
		t.Errorf("in shop: %+v", report.Findings)
	}
}

// Without a right nothing is concluded from what is not seen.
func TestAuditWithoutRights(t *testing.T) {
	c := client(t)
	c.PrependReactor("list", "secretproviderclasses", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "secretproviderclasses"}, "", nil)
	})
	report, notes := check(t, &audit.Reader{Client: c, Namespace: "other"})
	if len(notes) != 1 || !strings.Contains(notes[0], "kubectl auth can-i list secretproviderclasses.secrets-store.csi.x-k8s.io -n other") {
		t.Errorf("notes %q", notes)
	}
	for _, f := range report.Findings {
		if f.Rule == "AKV007" {
			t.Errorf("concluded from what was not read: %+v", f)
		}
	}
}

func TestWritePolicyReports(t *testing.T) {
	report, _ := check(t, &audit.Reader{Client: client(t)})
	var out bytes.Buffer
	if err := audit.WritePolicyReports(&out, report, time.Unix(1700000000, 0)); err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(out.String(), "---\n")
	if len(documents) != 2 {
		t.Fatalf("%d reports:\n%s", len(documents), out.String())
	}
	var shop struct {
		APIVersion, Kind string
		Metadata         struct{ Name, Namespace string }
		Summary          struct{ Fail, Warn int }
		Results          []struct {
			Policy, Rule, Result, Severity string
			Resources                      []struct{ APIVersion, Kind, Name, UID string }
			Properties                     map[string]string
			Timestamp                      struct{ Seconds int64 }
		}
	}
	if err := yaml.Unmarshal([]byte(documents[1]), &shop); err != nil {
		t.Fatal(err)
	}
	if shop.APIVersion != "wgpolicyk8s.io/v1alpha2" || shop.Metadata.Namespace != "shop" || shop.Summary.Fail != 2 || shop.Summary.Warn != 0 || len(shop.Results) != 2 {
		t.Errorf("%+v", shop)
	}
	for _, r := range shop.Results {
		if r.Result != "fail" || r.Severity != "high" || len(r.Resources) != 1 || r.Resources[0].UID == "" || r.Properties["fix"] == "" || r.Timestamp.Seconds != 1700000000 {
			t.Errorf("%+v", r)
		}
	}
	var text bytes.Buffer
	if err := audit.WriteText(&text, report); err != nil || !strings.Contains(text.String(), "shop Deployment/web\n  error AKV001 subpath: spec.template") {
		t.Errorf("%v %s", err, text.String())
	}
}
