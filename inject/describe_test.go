package inject

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func (r *ruled) describe() []string {
	request := Parse(r.target, r.facts.Namespace, Settings{})
	d := Decide(r.target, request, r.known())
	return Describe(r.target, request, r.known(), &d)
}

func (r *ruled) ask(objects string) {
	r.pod.Spec.Volumes, r.app().VolumeMounts = nil, nil
	r.annotate(annotation.Vault, "payments-kv")
	r.annotate(annotation.Objects, objects)
}

func TestDescribe(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*ruled)
		// A line that has to be among the others, or none at all.
		want string
	}{
		"where it is mounted":    {func(r *ruled) {}, "Volume secrets is mounted at /mnt/secrets-store in: app."},
		"mounted nowhere":        {func(r *ruled) { r.app().VolumeMounts = nil }, "Volume secrets is mounted in no container."},
		"objects and files":      {func(r *ruled) { r.ask("DB-Password,tls.pem=cert/web") }, "From vault payments-kv: /mnt/secrets-store/DB-Password = secret/DB-Password, /mnt/secrets-store/tls.pem = cert/web."},
		"a class that is there":  {func(r *ruled) {}, "Volume secrets: class payments, which exists."},
		"a class that is not":    {func(r *ruled) { r.classes["payments"] = nil }, "Volume secrets: class payments, which does not exist yet."},
		"a class of nobody":      {func(r *ruled) { r.classes = nil }, "Volume secrets: class payments; whether it exists is not known."},
		"the account's identity": {func(r *ruled) { r.ask("a") }, "Identity " + someClient + " (ServiceAccount app), tenant " + someTenant + " (ServiceAccount app), with the token of ServiceAccount app."},
		"the pod's identity": {func(r *ruled) { r.ask("a"); r.annotate(annotation.ClientID, someTenant) }, "Identity " + someTenant +
			" (annotation of the pod), tenant " + someTenant + " (ServiceAccount app), with the token of ServiceAccount app."},
		"the node's identity": {func(r *ruled) { r.class.Spec.Parameters[provider.ParamVMIdentity] = "true" }, "Identity: the node's (class payments)."},
		"a service principal": {func(r *ruled) {
			delete(r.class.Spec.Parameters, provider.ParamClient)
			r.csi().NodePublishSecretRef = &corev1.LocalObjectReference{Name: "sp"}
		}, "Identity: the service principal in the Secret sp."},
		"an interval of nobody": {func(r *ruled) {}, "No interval is asked for; what the cluster's driver does is not known here."},
		"both intervals": {func(r *ruled) {
			r.ask("a")
			r.annotate(annotation.RotationPollInterval, "30s")
			r.facts.Driver = &provider.Driver{Version: "1.4.8", Rotation: true, PollInterval: 2 * time.Minute}
		}, "Asked for: every 30s (annotation of the pod); the driver looks every 2m."},
		"vault calls": {func(r *ruled) {
			r.ask("a,b")
			r.facts.Driver = &provider.Driver{Version: "1.4.8", Rotation: true, PollInterval: 2 * time.Minute}
		}, "About 60 vault calls an hour for each pod (objects: 2, polls: 30)."},
		"no rotation": {
			func(r *ruled) { r.facts.Driver = &provider.Driver{} },
			"No interval is asked for; nothing rotates, since the driver runs without --enable-secret-rotation.",
		},
		"an account that may yet come": {
			func(r *ruled) { r.ask("a"); r.target.Template = true; r.facts.ServiceAccounts["app"] = nil },
			`Identity and class are not known until the ServiceAccount "app" names a client id and a tenant.`,
		},
		"not what is refused":     {func(r *ruled) { r.mount().SubPath = "a" }, ""},
		"not where nobody looks":  {func(r *ruled) { r.ask("a"); r.facts.Namespace.Labels = nil }, ""},
		"not a pod without a use": {func(r *ruled) { r.pod.Spec.Volumes, r.app().VolumeMounts = nil, nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRuled()
			tc.change(r)
			lines := r.describe()
			if tc.want == "" && len(lines) > 0 || tc.want != "" && !slices.Contains(lines, tc.want) {
				t.Errorf("want %q in\n%s", tc.want, strings.Join(lines, "\n"))
			}
		})
	}
}

// A generated class's name is known after the decision; who looks it up then gets told.
func TestDescribeGeneratedClass(t *testing.T) {
	r := newRuled()
	r.ask("a")
	class := Decide(r.target, Parse(r.target, r.facts.Namespace, Settings{}), r.known()).Classes[0]
	begin := "Volume akv-payments-kv: class " + class.Name
	var got []string
	for _, stored := range []map[string]*secretsstorev1.SecretProviderClass{{}, {class.Name: nil}, {class.Name: class.Object("apps")}} {
		r.classes = stored
		got = append(got, r.describe()[0])
	}
	want := []string{
		begin + ", generated; it is made with the first pod if it is not there.",
		begin + ", generated; it is made with the first pod.",
		begin + ", generated; it exists.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestJoinLines(t *testing.T) {
	long := strings.Repeat("x", 120)
	got := joinLines("In: ", []string{long, long, "y", long})
	want := []string{"In: " + long + ", " + long + ", y.", "In: " + long + "."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if got := joinLines("In: ", nil); got != nil {
		t.Errorf("lines of nothing: %q", got)
	}
	if n := len([]rune(cutLine(strings.Repeat("ä", 300)))); n != maxLine {
		t.Errorf("cut to %d", n)
	}
}
