package convert

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/preview"
	"akv-injector/internal/text"
)

// defaultMountPath is where the default vault is mounted unless the request says otherwise.
const defaultMountPath = "/mnt/secrets-store"

// annotate finds the annotations: at first everything is said, then whatever goes without
// saying is left out. After each step the engine is asked what the pods would get.
func (c *conversion) annotate() {
	want := c.wanted()
	c.chooseLabel()
	full, optional := c.full()
	got, errs := c.injected(full)
	for _, e := range errs {
		c.fail(c.target.Path.Child("spec"), "With annotations in place of the volumes, the pods would be refused: "+e.Message, orElse(e.Fix, "Fix that first, and convert again."))
	}
	if len(errs) > 0 {
		return
	}
	got = c.anonymous(got)
	if len(got.Mounts) > 0 && got.Mounts[0].Source.Cloud != c.volumes[0].Cloud {
		c.failCloud(got.Mounts[0].Source.Cloud)
		return
	}
	if d := want.difference(got); d != "" {
		c.fail(nil, "The pods would not get the same: "+d+".", "Keep the volumes by hand.")
		return
	}
	for _, key := range optional {
		less := maps.Clone(full)
		delete(less, key)
		if got, errs := c.injected(less); len(errs) == 0 && want.difference(c.anonymous(got)) == "" {
			full = less
		}
	}
	c.write = full
}

// wanted is what the pods have today.
func (c *conversion) wanted() view {
	if len(c.foreign) == 0 {
		return viewOf(c.target.Meta, c.target.Spec, c.classNamed)
	}
	return c.viewOfForeign()
}

// anonymous leaves the identity out where another operator's reads the vault today: which one does now is said by
// the ServiceAccount.
func (c *conversion) anonymous(v view) view {
	if len(c.foreign) == 0 {
		return v
	}
	for i := range v.Mounts {
		v.Mounts[i].Source.ClientID, v.Mounts[i].Source.TenantID = "", ""
	}
	return v
}

// failCloud says where a cloud is set: for pods that is not theirs to choose.
func (c *conversion) failCloud(now string) {
	object, _ := c.in.class(c.object, c.volumes[0].class)
	if object == nil {
		object = c.object
	}
	cloud, namespace := c.volumes[0].Cloud, c.in.cluster.NamespaceOf(c.object)
	c.problems.add(object, finding.At("spec", "parameters", provider.ParamCloud),
		fmt.Sprintf("The vault is in %s, and pods of this namespace would ask %s: only the namespace can set the cloud.", cloud, now),
		fmt.Sprintf("Write %s: %s into the Namespace's file, give that too, and convert again (or say --cloud %s if the server runs with it). In the cluster, run: %s", annotation.Cloud, cloud, cloud,
			text.Command("kubectl annotate namespace {namespace} "+annotation.Cloud+"={cloud}", text.Values{"namespace": namespace, "cloud": cloud})))
}

// chooseLabel decides whether the identity label stays: where the workload's own selector
// wants it, it has to.
func (c *conversion) chooseLabel() {
	_, selected := c.in.selector(c.object)[provider.LabelUseWorkloadIdentity]
	c.keepLabel = selected || c.target.Meta.Labels[provider.LabelUseWorkloadIdentity] != "true" || c.ownBinding()
}

// ownBinding reports whether the vault is read through an identity binding, and the pod's own programs do without: they would get the token of the
// binding with the annotation that goes with the label.
func (c *conversion) ownBinding() bool {
	return c.volumes[0].Binding && c.target.Meta.Annotations[provider.AnnotationUseBinding] != "true"
}

// full says everything that can be said, and names what may be left out.
func (c *conversion) full() (all map[string]string, optional []string) {
	all = map[string]string{}
	set := func(key, value string) {
		all[key] = value
		optional = append(optional, key)
	}
	first := c.volumes[0]
	if len(c.foreign) == 0 {
		set(annotation.ClientID, first.ClientID)
		set(annotation.TenantID, first.TenantID)
	}
	mode := annotation.IdentityFederated
	if first.Binding {
		mode = annotation.IdentityBinding
	}
	set(annotation.IdentityMode, mode)
	if first.interval != "" {
		set(annotation.RotationPollInterval, first.interval)
	}
	main := max(0, slices.IndexFunc(c.volumes, func(v volume) bool { return v.path == defaultMountPath }))
	for i, v := range c.volumes {
		suffix := "." + v.Vault
		if i == main {
			suffix = ""
			all[annotation.Vault] = v.Vault
		}
		all[annotation.Objects+suffix] = provider.FormatObjects(v.inOrder)
		set(annotation.MountPath+suffix, v.path)
	}
	set(annotation.Containers, strings.Join(first.containers, ", "))
	if label := c.target.Meta.Labels[provider.LabelUseWorkloadIdentity]; label == "true" && !c.ownBinding() {
		set(annotation.WorkloadIdentityLabel, "true")
	} else {
		set(annotation.WorkloadIdentityLabel, "false")
	}
	return all, optional
}

// injected is what pods with these annotations would be, as the engine says.
func (c *conversion) injected(annotations map[string]string) (view, []finding.Finding) {
	t := c.shape.Copy()
	c.strip(t)
	if t.Meta.Annotations == nil {
		t.Meta.Annotations = map[string]string{}
	}
	maps.Copy(t.Meta.Annotations, annotations)
	namespace := c.in.cluster.NamespaceOf(c.object)
	r := inject.Parse(t, c.in.cluster.From(c.object).Namespace(), c.in.settings)
	d := inject.Decide(r, c.in.cluster.From(c.object).Facts(r.Needs()))
	if errs := d.Errors(); len(errs) > 0 {
		return view{}, errs
	}
	pod := &corev1.Pod{ObjectMeta: *t.Meta, Spec: *t.Spec}
	if err := patched(pod, d); err != nil {
		return view{}, []finding.Finding{{Message: err.Error() + "."}}
	}
	return viewOf(&pod.ObjectMeta, &pod.Spec, func(name string) *secretsstorev1.SecretProviderClass {
		for _, class := range d.Classes {
			if class.Name == name {
				return class.Object(namespace)
			}
		}
		return nil
	}), nil
}

func patched(pod *corev1.Pod, d inject.Decision) error {
	text, err := json.Marshal(pod)
	if err != nil {
		return err
	}
	if text, err = preview.Apply(text, nil, d.Patch); err != nil {
		return err
	}
	*pod = corev1.Pod{}
	return json.Unmarshal(text, pod)
}

// strip takes away what the annotations bring.
func (c *conversion) strip(t *workload.Target) {
	names := map[string]bool{}
	for _, v := range c.volumes {
		names[v.name] = true
	}
	t.Spec.Volumes = slices.DeleteFunc(t.Spec.Volumes, func(v corev1.Volume) bool { return names[v.Name] })
	for _, list := range [][]corev1.Container{t.Spec.InitContainers, t.Spec.Containers} {
		for i := range list {
			list[i].VolumeMounts = slices.DeleteFunc(list[i].VolumeMounts, func(m corev1.VolumeMount) bool { return names[m.Name] })
		}
	}
	if !c.keepLabel {
		delete(t.Meta.Labels, provider.LabelUseWorkloadIdentity)
	}
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
