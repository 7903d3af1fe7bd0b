package status

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject/facts"
)

// factsOf reads YAML documents as the cluster has them.
func factsOf(t *testing.T, text string) *Snapshot {
	t.Helper()
	f := &Snapshot{Classes: map[string]map[string]*facts.Class{}}
	for document := range strings.SplitSeq(text, "\n---\n") {
		var kind struct{ Kind string }
		read(t, document, &kind)
		switch kind.Kind {
		case "Pod":
			var pod corev1.Pod
			read(t, document, &pod)
			f.Pods = append(f.Pods, pod)
		case "SecretProviderClass":
			var class secretsstorev1.SecretProviderClass
			read(t, document, &class)
			f.Classes = byNamespace(append(all(f.Classes), class))
		case "SecretProviderClassPodStatus":
			var record secretsstorev1.SecretProviderClassPodStatus
			read(t, document, &record)
			f.Records = append(f.Records, record)
		case "Event":
			var event corev1.Event
			read(t, document, &event)
			f.Events = append(f.Events, event)
		default:
			t.Fatalf("a document of kind %q:\n%s", kind.Kind, document)
		}
	}
	return f
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
}

func all(classes map[string]map[string]*facts.Class) []secretsstorev1.SecretProviderClass {
	var list []secretsstorev1.SecretProviderClass
	for _, ns := range classes {
		for _, c := range ns {
			list = append(list, *c.SecretProviderClass)
		}
	}
	return list
}

const (
	podYAML = `kind: Pod
metadata: {name: web, namespace: shop, uid: uid-1}
spec:
  nodeName: node-1
  containers:
    - name: app
      volumeMounts: [{name: store, mountPath: /mnt, readOnly: true}]
  volumes:
    - name: store
      csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: class}}
status:
  phase: Running
  containerStatuses: [{name: app, state: {running: {startedAt: "2026-03-01T11:00:05Z"}}}]
`
	classYAML = `kind: SecretProviderClass
metadata: {name: class, namespace: shop}
spec:
  provider: azure
  parameters:
    keyvaultName: shop-kv
    objects: |
      array:
        - |
          objectName: DB-Password
          objectType: secret
          objectAlias: db/password
        - |
          objectName: signing
          objectType: key
          objectVersion: k1
        - |
          objectName: token
          objectType: secret
          objectVersionHistory: 2
`
	recordHead = `kind: SecretProviderClassPodStatus
metadata:
  name: web-shop-class
  namespace: shop
  creationTimestamp: "2026-03-01T11:00:00Z"
  ownerReferences: [{apiVersion: v1, kind: Pod, name: web, uid: uid-1}]
status:
  podName: web
  secretProviderClassName: class
  mounted: true
  targetPath: /var/lib/kubelet/pods/uid-1/volumes/kubernetes.io~csi/store/mount
  objects:
`
)

// record is what the driver has recorded of a mount.
func record(objects ...string) string {
	text := recordHead
	for _, o := range objects {
		id, version, _ := strings.Cut(o, "=")
		text += fmt.Sprintf("    - {id: %s, version: %s}\n", id, version)
	}
	return text
}

// line is a mount in a line.
func line(m *Mount) string {
	text := fmt.Sprintf("%s/%s %s %s %s=%s", m.Namespace, m.Pod, m.Volume, m.Object, m.File, id(m.Mounted))
	if m.Ref != nil {
		text += " of " + m.Ref.String()
	}
	if m.object != nil && m.object.Version != "" {
		text += " pinned"
	}
	if !m.recorded {
		text += " unrecorded"
	}
	if !m.started {
		text += " unstarted"
	}
	if m.reason != nil {
		text += " " + string(m.reason.Code)
	}
	for _, c := range m.late {
		text += " late:" + c.name
	}
	for _, o := range m.outdated {
		text += fmt.Sprintf(" %s:%s", o.code, o.container.name)
	}
	if m.failure != nil {
		text += " failure:" + m.failure.summary()
	}
	return text
}

func edit(text string, changes ...string) string {
	for i := 0; i+1 < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			panic(fmt.Sprintf("nothing to change: %q", changes[i]))
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	return text
}

// What becomes of the cluster's words: the objects of each volume, with what was recorded.
func TestMounts(t *testing.T) {
	const (
		password = "shop/web store secret/DB-Password db/password=p1 of secret/DB-Password in shop-kv"
		signing  = "shop/web store key/signing signing=k1 of key/signing in shop-kv pinned"
		token0   = "shop/web store secret/token/0 token/0=t3 of secret/token in shop-kv"
		token1   = "shop/web store secret/token/1 token/1=t2 of secret/token in shop-kv"
		token2   = "shop/web store secret/token/2 token/2=t1 of secret/token in shop-kv"
	)
	recordYAML := record("key/signing=k1", "secret/DB-Password=p1", "secret/token/0=t3", "secret/token/1=t2", "secret/token/2=t1")
	together := func(parts ...string) string { return strings.Join(parts, "---\n") }
	suffixed := func(suffix string, lines ...string) []string {
		out := make([]string, 0, len(lines))
		for _, l := range lines {
			out = append(out, l+suffix)
		}
		return out
	}
	unrecorded := []string{
		"shop/web store secret/DB-Password db/password= of secret/DB-Password in shop-kv unrecorded",
		"shop/web store key/signing signing= of key/signing in shop-kv pinned unrecorded",
		"shop/web store secret/token/0 token/0= of secret/token in shop-kv unrecorded",
	}
	mount := "volumeMounts: [{name: store, mountPath: /mnt, readOnly: true}]"
	synced := edit(classYAML, "  provider: azure\n", `  provider: azure
  secretObjects:
    - secretName: db
      data: [{objectName: db/password, key: password}, {objectName: signing, key: key}]
`)

	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"all is well":         {together(podYAML, classYAML, recordYAML), []string{password, signing, token0, token1, token2}},
		"no record":           {together(podYAML, classYAML), unrecorded},
		"not mounted":         {together(podYAML, classYAML, edit(recordYAML, "mounted: true", "mounted: false")), unrecorded},
		"a predecessor's":     {together(podYAML, classYAML, edit(recordYAML, "uid: uid-1", "uid: uid-0")), unrecorded},
		"not started":         {together(edit(podYAML, `running: {startedAt: "2026-03-01T11:00:05Z"}`, "waiting: {reason: ContainerCreating}"), classYAML), suffixed(" unstarted", unrecorded...)},
		"started once":        {together(edit(podYAML, `running: {startedAt: "2026-03-01T11:00:05Z"}`, "waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}"), classYAML), unrecorded},
		"no class":            {together(podYAML, record("secret/DB-Password=p1", "secret/token/0=t3", "secret/token/1=t2", "secret/token/2=t1")), suffixed(" ClassNotFound", "shop/web store secret/DB-Password =p1", "shop/web store secret/token/0 =t3", "shop/web store secret/token/1 =t2", "shop/web store secret/token/2 =t1")},
		"no class, no record": {podYAML, []string{"shop/web store  = unrecorded ClassNotFound"}},
		"another provider": {
			together(podYAML, edit(classYAML, "provider: azure", "provider: vault"), record("secret/token/2=t1")),
			[]string{"shop/web store secret/token/2 =t1 OtherProvider"},
		},
		"class names others": {
			together(podYAML, edit(classYAML, "objectName: DB-Password", "objectName: DB-Passwort"), recordYAML),
			[]string{
				"shop/web store secret/DB-Passwort db/password= of secret/DB-Passwort in shop-kv", signing, token0, token1, token2,
				"shop/web store secret/DB-Password =p1",
			},
		},
		"class cannot be read": {
			together(podYAML, edit(classYAML, "        - |\n", "        -\n"), record("secret/DB-Password=p1")),
			[]string{"shop/web store secret/DB-Password =p1 ClassInvalid"},
		},
		"one object twice": {
			together(podYAML, edit(classYAML, "objectName: signing\n          objectType: key", "objectName: DB-Password\n          objectType: secret"), record("secret/DB-Password=p1", "secret/token/0=t3", "secret/token/1=t2", "secret/token/2=t1")),
			[]string{
				"shop/web store secret/DB-Password db/password= of secret/DB-Password in shop-kv SharedObject",
				"shop/web store secret/DB-Password DB-Password=p1 of secret/DB-Password in shop-kv pinned", token0, token1, token2,
			},
		},
		"another vault by the volume's attributes": {
			together(edit(podYAML, "{secretProviderClass: class}", `{secretProviderClass: class, keyvaultName: other-kv, objects: "array:\n- |\n  objectName: DB-Password\n  objectType: secret\n"}`), classYAML, recordYAML),
			[]string{
				"shop/web store secret/DB-Password DB-Password=p1 of secret/DB-Password in other-kv", "shop/web store key/signing =k1",
				"shop/web store secret/token/0 =t3", "shop/web store secret/token/1 =t2", "shop/web store secret/token/2 =t1",
			},
		},
		"one class twice": {
			together(edit(podYAML, "  volumes:\n", "  volumes:\n    - name: other\n      csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: class}}\n"), classYAML, recordYAML),
			append(suffixed(" SharedClass", strings.Split(strings.ReplaceAll(strings.Join(unrecorded, "\n"), " store ", " other "), "\n")...), password, signing, token0, token1, token2),
		},

		"mounted late":       {together(podYAML, classYAML, edit(recordYAML, "11:00:00Z", "11:02:30Z")), suffixed(" late:app", password, signing, token0, token1, token2)},
		"clocks that differ": {together(podYAML, classYAML, edit(recordYAML, "11:00:00Z", "11:00:10Z")), []string{password, signing, token0, token1, token2}},
		"late, propagated": {
			together(edit(podYAML, "mountPath: /mnt,", "mountPath: /mnt, mountPropagation: HostToContainer,"), classYAML, edit(recordYAML, "11:00:00Z", "11:02:30Z")),
			[]string{password, signing, token0, token1, token2},
		},
		"a subPath": {
			together(edit(podYAML, mount, "volumeMounts: [{name: store, mountPath: /mnt/password, subPath: db/password, readOnly: true}]"), classYAML, recordYAML),
			[]string{password + " SubPath:app", signing, token0, token1, token2},
		},
		"a subPath of a folder": {
			together(edit(podYAML, mount, "volumeMounts: [{name: store, mountPath: /mnt/token, subPath: token, readOnly: true}]"), classYAML, recordYAML),
			[]string{password, signing, token0 + " SubPath:app", token1 + " SubPath:app", token2 + " SubPath:app"},
		},
		"a subPath by a variable": {
			together(edit(podYAML, mount, "volumeMounts: [{name: store, mountPath: /mnt/token, subPathExpr: $(NAME), readOnly: true}]"), classYAML, recordYAML),
			suffixed(" SubPath:app", password, signing, token0, token1, token2),
		},
		"a subPath that is waived": {
			together(edit(podYAML, mount, "volumeMounts: [{name: store, mountPath: /mnt/password, subPath: db/password, readOnly: true}]",
				"uid: uid-1}", "uid: uid-1, annotations: {azure.keyvault.injector/allow: AKV001, azure.keyvault.injector/objects: DB-Password}}"), classYAML, recordYAML),
			[]string{password + " SubPath:app", signing, token0, token1, token2},
		},
		"a variable of a synced Secret": {
			together(edit(podYAML, mount, mount+"\n      env: [{name: KEY, valueFrom: {secretKeyRef: {name: db, key: key}}}]"), synced, recordYAML),
			[]string{password, signing + " SyncedVariable:app", token0, token1, token2},
		},
		"all variables of one": {
			together(edit(podYAML, mount, mount+"\n      envFrom: [{secretRef: {name: db}}]"), synced, recordYAML),
			[]string{password + " SyncedVariable:app", signing + " SyncedVariable:app", token0, token1, token2},
		},
		"a subPath of one": {
			together(edit(podYAML, mount, "volumeMounts: [{name: store, mountPath: /mnt}, {name: synced, mountPath: /key, subPath: key}]", "  volumes:\n", "  volumes:\n    - name: synced\n      secret: {secretName: db}\n"), synced, recordYAML),
			[]string{password + " SubPath:app", signing + " SubPath:app", token0, token1, token2},
		},

		"an event of the volume": {
			together(podYAML, classYAML, record(), event("FailedMount", `MountVolume.SetUp failed for volume "store" : rpc error: code = Unknown desc = no`, "uid-1")),
			suffixed(" failure:no",
				"shop/web store secret/DB-Password db/password= of secret/DB-Password in shop-kv",
				"shop/web store key/signing signing= of key/signing in shop-kv pinned",
				"shop/web store secret/token/0 token/0= of secret/token in shop-kv"),
		},
		"an event of another volume":     {together(podYAML, classYAML, recordYAML, event("FailedMount", `MountVolume.SetUp failed for volume "config" : no`, "uid-1")), []string{password, signing, token0, token1, token2}},
		"an event of a predecessor":      {together(podYAML, classYAML, recordYAML, event("MountRotationFailed", "no", "uid-0")), []string{password, signing, token0, token1, token2}},
		"an event of the driver's loop":  {together(podYAML, classYAML, recordYAML, event("MountRotationFailed", "no", "uid-1")), suffixed(" failure:no", password, signing, token0, token1, token2)},
		"an event of something else":     {together(podYAML, classYAML, recordYAML, event("BackOff", "no", "uid-1")), []string{password, signing, token0, token1, token2}},
		"a pod that has finished":        {together(edit(podYAML, "phase: Running", "phase: Succeeded"), classYAML, recordYAML), nil},
		"a pod that is being deleted":    {together(edit(podYAML, "uid: uid-1}", `uid: uid-1, deletionTimestamp: "2026-03-01T12:00:00Z"}`), classYAML, recordYAML), nil},
		"a pod without such volumes":     {together(edit(podYAML, "secrets-store.csi.k8s.io", "file.csi.azure.com"), classYAML), nil},
		"a class of the same name there": {together(podYAML, edit(classYAML, "namespace: shop", "namespace: other")), []string{"shop/web store  = unrecorded ClassNotFound"}},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := factsOf(t, c.text)
			mounts := snapshot.Mounts()
			var got []string
			for i := range mounts {
				got = append(got, line(&mounts[i]))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func event(reason, message, uid string) string {
	return fmt.Sprintf(`kind: Event
metadata: {name: e, namespace: shop}
involvedObject: {kind: Pod, name: web, namespace: shop, uid: %s}
reason: %s
message: %q
lastTimestamp: "2026-03-01T11:30:00Z"
`, uid, reason, message)
}

// Where the classes could not be read, what is mounted is told anyway.
func TestMountsWithoutClasses(t *testing.T) {
	f := factsOf(t, podYAML+"---\n"+record("a=1", "b=2", "c=3", "d=4", "e=5"))
	f.ClassesUnknown = "no right"
	mounts := f.Mounts()
	if len(mounts) != 5 || mounts[0].Mounted == nil || mounts[0].reason == nil || mounts[0].reason.Message != "no right" {
		t.Errorf("%+v", mounts)
	}
}
