package inject

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

const (
	someClient = "11111111-1111-1111-1111-111111111111"
	someTenant = "22222222-2222-2222-2222-222222222222"
)

// ruled is a pod with the class payments, and the cluster around it: no rule finds
// anything, until a test changes something.
type ruled struct {
	pod   *corev1.Pod
	class *secretsstorev1.SecretProviderClass
	// classes by name; see facts.Facts.
	classes map[string]*secretsstorev1.SecretProviderClass
	facts   *facts.Facts
	target  *workload.Target
}

func (r *ruled) app() *corev1.Container       { return &r.pod.Spec.Containers[0] }
func (r *ruled) mount() *corev1.VolumeMount   { return &r.app().VolumeMounts[0] }
func (r *ruled) csi() *corev1.CSIVolumeSource { return r.pod.Spec.Volumes[0].CSI }
func (r *ruled) annotate(key, value string)   { r.pod.Annotations[key] = value }
func (r *ruled) object(text string) {
	r.class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  " + text + "\n"
}

func (r *ruled) sync(secret string) {
	r.class.Spec.SecretObjects = []*secretsstorev1.SecretObject{{SecretName: secret}}
}

func newRuled() *ruled {
	readOnly := true
	r := &ruled{
		pod: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: map[string]string{}, Labels: map[string]string{}},
			Spec: corev1.PodSpec{
				ServiceAccountName: "app",
				Containers: []corev1.Container{{
					Name: "app", VolumeMounts: []corev1.VolumeMount{{Name: "secrets", MountPath: "/mnt/secrets-store", ReadOnly: true}},
				}},
				Volumes: []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
					Driver: provider.DriverName, ReadOnly: &readOnly, VolumeAttributes: map[string]string{provider.AttributeClass: "payments"},
				}}}},
			},
		},
		class: &secretsstorev1.SecretProviderClass{
			ObjectMeta: metav1.ObjectMeta{Name: "payments"},
			Spec: secretsstorev1.SecretProviderClassSpec{Provider: provider.ProviderAzure, Parameters: map[string]string{
				provider.ParamVault: "payments-kv", provider.ParamClient: someClient, provider.ParamTenant: someTenant,
			}},
		},
	}
	r.object("{objectName: DB-Password, objectType: secret}")
	r.facts = &facts.Facts{
		Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: "apps", Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}, Annotations: map[string]string{},
		}},
		ServiceAccounts: map[string]*corev1.ServiceAccount{"app": {ObjectMeta: metav1.ObjectMeta{
			Name: "app", Annotations: map[string]string{provider.AnnotationClientID: someClient, provider.AnnotationTenantID: someTenant},
		}}},
		CSIDriver: &storagev1.CSIDriver{Spec: storagev1.CSIDriverSpec{TokenRequests: []storagev1.TokenRequest{{Audience: provider.TokenAudience}}}},
	}
	r.classes = map[string]*secretsstorev1.SecretProviderClass{"payments": r.class}
	r.target = workload.PodTarget(r.pod)
	return r
}

// known are the facts, with the classes as they are now.
func (r *ruled) known() facts.Facts {
	f := *r.facts
	f.Classes = map[string]*facts.Class{}
	for name, class := range r.classes {
		f.Classes[name] = facts.NewClass(class)
	}
	return f
}

// ruleCase is a change, and what one rule then finds: severity and field.
type ruleCase struct {
	change func(*ruled)
	want   []string
}

func testRule(t *testing.T, id string, cases map[string]ruleCase) {
	t.Helper()
	cases["nothing wrong"] = ruleCase{func(*ruled) {}, nil}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRuled()
			tc.change(r)
			d := Decide(r.target, Parse(r.target, r.facts.Namespace, Settings{}), r.known())
			var got []string
			for _, f := range d.Findings {
				if f.Rule == id {
					got = append(got, string(f.Severity)+" "+f.Place.String())
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

const classField = "spec.volumes[0].csi.volumeAttributes[secretProviderClass]"
