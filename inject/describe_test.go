package inject_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/fixture"
)

// described is a pod whose description a test checks.
type described struct{ *fixture.Pod }

func (r *described) describe() []string {
	request := inject.Parse(r.Target, r.Facts.Namespace, inject.Settings{})
	d := inject.Decide(request, r.Known())
	return d.Describe(r.Known())
}

func (r *described) ask(objects string) {
	r.Pod.Pod.Spec.Volumes, r.App().VolumeMounts = nil, nil
	r.Annotate(annotation.Vault, "payments-kv")
	r.Annotate(annotation.Objects, objects)
}

func TestDescribe(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*described)
		// A line that must be in the description. Empty if there must be no description.
		want string
	}{
		"where it is mounted":    {func(*described) {}, "Volume secrets is mounted at /mnt/secrets-store in: app."},
		"mounted nowhere":        {func(r *described) { r.App().VolumeMounts = nil }, "Volume secrets is mounted in no container."},
		"objects and files":      {func(r *described) { r.ask("DB-Password,tls.pem=cert/web") }, "From vault payments-kv: /mnt/secrets-store/DB-Password = secret/DB-Password, /mnt/secrets-store/tls.pem = cert/web."},
		"an existing class":      {func(*described) {}, "Volume secrets: class payments, which exists."},
		"a missing class":        {func(r *described) { r.Classes["payments"] = nil }, "Volume secrets: class payments, which does not exist yet."},
		"an unknown class":       {func(r *described) { r.Classes = nil }, "Volume secrets: class payments; it is not known whether it exists."},
		"the account's identity": {func(r *described) { r.ask("a") }, "Identity " + fixture.Client + " (ServiceAccount app), tenant " + fixture.Tenant + " (ServiceAccount app), with the token of ServiceAccount app."},
		"the pod's identity": {func(r *described) { r.ask("a"); r.Annotate(annotation.ClientID, fixture.Tenant) }, "Identity " + fixture.Tenant +
			" (annotation of the pod), tenant " + fixture.Tenant + " (ServiceAccount app), with the token of ServiceAccount app."},
		"the node's identity": {func(r *described) { r.Class.Spec.Parameters[provider.ParamVMIdentity] = "true" }, "Identity: the node's (class payments)."},
		"a service principal": {func(r *described) {
			delete(r.Class.Spec.Parameters, provider.ParamClient)
			r.CSI().NodePublishSecretRef = &corev1.LocalObjectReference{Name: "sp"}
		}, "Identity: the service principal in the Secret sp."},
		"no interval": {func(*described) {}, "No interval requested; the driver's interval is not known."},
		"both intervals": {func(r *described) {
			r.ask("a")
			r.Annotate(annotation.RotationPollInterval, "30s")
			r.Facts.Driver = &provider.Driver{Version: "1.4.8", Rotation: true, PollInterval: 2 * time.Minute}
		}, "Requested interval: 30s (annotation of the pod); the driver polls every 2m."},
		"vault calls": {func(r *described) {
			r.ask("a,b")
			r.Facts.Driver = &provider.Driver{Version: "1.4.8", Rotation: true, PollInterval: 2 * time.Minute}
		}, "About 60 vault calls an hour for each pod (objects: 2, polls: 30)."},
		"no rotation": {
			func(r *described) { r.Facts.Driver = &provider.Driver{} },
			"No interval requested; nothing rotates, because the driver runs without --enable-secret-rotation.",
		},
		"an account that may be created later": {
			func(r *described) { r.ask("a"); r.Target.Template = true; r.Facts.ServiceAccounts["app"] = nil },
			`Identity and class are not known until the ServiceAccount "app" names a client id and a tenant.`,
		},
		"not a refused pod":                   {func(r *described) { r.Mount().SubPath = "a" }, ""},
		"not where the webhook is not called": {func(r *described) { r.ask("a"); r.Facts.Namespace.Labels = nil }, ""},
		"not a pod without secrets":           {func(r *described) { r.Pod.Pod.Spec.Volumes, r.App().VolumeMounts = nil, nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &described{fixture.New()}
			tc.change(r)
			lines := r.describe()
			if tc.want == "" && len(lines) > 0 || tc.want != "" && !slices.Contains(lines, tc.want) {
				t.Errorf("want %q in\n%s", tc.want, strings.Join(lines, "\n"))
			}
		})
	}
}

// The name of a generated class is known after the decision; the description reports whether
// the class exists if the caller then looks it up.
func TestDescribeGeneratedClass(t *testing.T) {
	r := &described{fixture.New()}
	r.ask("a")
	class := inject.Decide(inject.Parse(r.Target, r.Facts.Namespace, inject.Settings{}), r.Known()).Classes[0]
	begin := "Volume akv-payments-kv: class " + class.Name
	var got []string
	for _, stored := range []map[string]*secretsstorev1.SecretProviderClass{{}, {class.Name: nil}, {class.Name: class.Object("apps")}} {
		r.Classes = stored
		got = append(got, r.describe()[0])
	}
	want := []string{
		begin + ", generated; created with the first pod if it does not exist.",
		begin + ", generated; created with the first pod.",
		begin + ", generated; exists.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
