package convert

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/text"
)

// conversion is the work on one workload.
type conversion struct {
	in     *input
	object *manifest.Object
	target *workload.Target
	shape  *workload.Shape
	// foreign are the Secrets of other operators that the pods read.
	foreign  []foreignUse
	problems problems
	// notes are what becomes otherwise, and is no worse.
	notes   problems
	volumes []volume
	// write are the annotations that the pods get.
	write map[string]string
	// keepLabel is set if the identity label stays in the template.
	keepLabel bool
}

// volume is a secrets-store volume and where it is mounted.
type volume struct {
	index int
	name  string
	class string
	source
	// inOrder are the objects in the order in which they were written.
	inOrder    []provider.Object
	path       string
	interval   string
	containers []string
}

// specPath is the place of the pod's spec.
func (c *conversion) specPath() *finding.Place { return c.target.Path.Child("spec") }

func (c *conversion) fail(place *finding.Place, message, fix string) {
	c.problems.add(c.object, place, message, fix)
}

// storeVolumes are the indexes of the secrets-store volumes of a pod.
func storeVolumes(spec *corev1.PodSpec) []int {
	var indexes []int
	for i := range spec.Volumes {
		if _, ok := provider.ClassName(&spec.Volumes[i]); ok {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// run finds the annotations that give the pods what they have, or what keeps them from it.
func (c *conversion) run() {
	if c.shape.Bare() {
		c.fail(c.shape.At, "What this object makes pods of has no place for annotations.", "Keep the volume by hand.")
		return
	}
	c.checkAnnotations()
	if len(c.foreign) > 0 {
		c.readForeign()
		if len(c.problems) == 0 {
			c.annotate()
		}
		return
	}
	c.checkReloaders()
	for _, i := range storeVolumes(c.target.Spec) {
		c.readVolume(i)
	}
	if len(c.problems) > 0 {
		return
	}
	c.checkTogether()
	if len(c.problems) > 0 {
		return
	}
	c.annotate()
}

// checkAnnotations leaves alone what is already akv-injector's.
func (c *conversion) checkAnnotations() {
	// In order: the output must not differ from run to run.
	for _, key := range sortedKeys(c.target.Meta.Annotations) {
		if strings.HasPrefix(key, annotation.Prefix) && key != annotation.Allow {
			c.fail(c.target.Path.Child("metadata", "annotations").Key(key),
				"The pods have annotations of akv-injector already, beside volumes written by hand.",
				"List the objects of those volumes in the annotations by hand.")
			return
		}
	}
}

func (c *conversion) readVolume(index int) {
	spec := c.target.Spec
	given := &spec.Volumes[index]
	csi := given.CSI
	v := volume{index: index, name: given.Name, class: csi.VolumeAttributes[provider.AttributeClass], interval: csi.VolumeAttributes[provider.AttributeInterval]}
	at := c.specPath().Child("volumes").Index(index).Child("csi")

	c.checkVolume(csi, v, at)
	c.readMounts(&v)
	doubt := c.in.cluster.From(c.object).Ambiguities(facts.Needs{Classes: []string{v.class}})
	switch object, class := c.in.class(c.object, v.class); {
	case len(doubt) > 0:
		c.fail(at.Child("volumeAttributes", provider.AttributeClass), text.Sentence("W"+doubt[0].String()[1:]), "Convert one folder at a time.")
	case v.class == "":
		c.fail(at.Child("volumeAttributes"), "The volume names no class.", "Write "+provider.AttributeClass+": and the class's name.")
	case provider.Reserved(v.class):
		c.fail(at.Child("volumeAttributes", provider.AttributeClass), fmt.Sprintf("The class %s is one that akv-injector generates.", v.class),
			"List its objects in "+annotation.Objects+" by hand.")
	case class == nil:
		c.fail(at.Child("volumeAttributes", provider.AttributeClass), fmt.Sprintf("The class %s is not in the input, so it is not known what it mounts.", v.class),
			"Give its file too: -f FILE.")
	default:
		c.checkClass(object, class)
		v.source = sourceOf(class)
		v.inOrder, _, _ = classObjects(class)
	}
	c.volumes = append(c.volumes, v)
}

// checkVolume finds what of a volume no annotation says.
func (c *conversion) checkVolume(csi *corev1.CSIVolumeSource, v volume, at *finding.Place) {
	for _, other := range c.volumes {
		if other.class == v.class && v.class != "" {
			c.fail(at.Child("volumeAttributes", provider.AttributeClass), fmt.Sprintf("Two volumes mount the class %s, and the driver keeps one record for both; akv-injector mounts each vault once.", v.class),
				"Mount one of them in all places, and convert again.")
		}
	}
	for _, key := range sortedKeys(csi.VolumeAttributes) {
		if key != provider.AttributeClass && key != provider.AttributeInterval {
			c.fail(at.Child("volumeAttributes").Key(key),
				fmt.Sprintf("The attribute %s goes over what the class says, and volumes of akv-injector have no attributes of their own.", key),
				"Move it into the class, and convert again.")
		}
	}
	if csi.NodePublishSecretRef != nil {
		c.fail(at.Child("nodePublishSecretRef"), "A Secret with a service principal reads the vault here, and akv-injector uses workload identity.",
			"Set up workload identity: a federated credential for the service account, clientID in the class; then convert again.")
	}
	if csi.FSType != nil && *csi.FSType != "" {
		c.fail(at.Child("fsType"), "Volumes of akv-injector have no fsType.", "Remove it; the driver does not read it.")
	}
	if csi.ReadOnly == nil || !*csi.ReadOnly {
		c.fail(at.Child("readOnly"), "The driver does not mount a volume that is not readOnly: true, so the pods do not start as they are.",
			"Write readOnly: true, and convert again.")
	}
}

// readMounts finds where a volume is mounted: at one path in each container, without more
// to it, is all that akv-injector does.
func (c *conversion) readMounts(v *volume) {
	spec := c.target.Spec
	for i := range spec.EphemeralContainers {
		for j, m := range spec.EphemeralContainers[i].VolumeMounts {
			if m.Name == v.name {
				c.fail(c.specPath().Child("ephemeralContainers").Index(i).Child("volumeMounts").Index(j), "An ephemeral container mounts the volume, and none exists yet when a pod is injected.",
					"Remove its mount, and convert again.")
			}
		}
	}
	for _, list := range []struct {
		name       string
		containers []corev1.Container
	}{{"initContainers", spec.InitContainers}, {"containers", spec.Containers}} {
		for i, container := range list.containers {
			for j, m := range container.VolumeMounts {
				if m.Name == v.name {
					c.readMount(v, container.Name, m, c.specPath().Child(list.name).Index(i).Child("volumeMounts").Index(j))
				}
			}
		}
	}
	if len(v.containers) == 0 {
		c.fail(c.specPath().Child("volumes").Index(v.index), fmt.Sprintf("No container mounts the volume %s.", v.name), "Mount it, or remove it.")
	}
}

func (c *conversion) readMount(v *volume, container string, m corev1.VolumeMount, at *finding.Place) {
	through := func(name, value string) {
		c.fail(at.Child(name), fmt.Sprintf("The container %s mounts %s %q, through which a rotated file never arrives; akv-injector mounts whole folders.", container, name, value),
			"Mount the whole volume at a folder of its own and read the file there, then convert again.")
	}
	if m.SubPath != "" {
		through("subPath", m.SubPath)
	}
	if m.SubPathExpr != "" {
		through("subPathExpr", m.SubPathExpr)
	}
	if m.MountPropagation != nil && *m.MountPropagation != corev1.MountPropagationNone {
		c.fail(at.Child("mountPropagation"), "Mounts of akv-injector have no mount propagation.", "Remove it, and convert again.")
	}
	if m.RecursiveReadOnly != nil && *m.RecursiveReadOnly != corev1.RecursiveReadOnlyDisabled {
		c.fail(at.Child("recursiveReadOnly"), "Mounts of akv-injector do not say recursiveReadOnly.", "Remove it, and convert again; nothing is mounted below.")
	}
	if !m.ReadOnly {
		c.notes.add(c.object, at.Child("name"), fmt.Sprintf("The mount in the container %s becomes read-only.", container),
			"Let the container write elsewhere, if it writes there.")
	}
	mountPath := cleanPath(m.MountPath)
	switch {
	case slices.Contains(v.containers, container):
		c.fail(at.Child("mountPath"), fmt.Sprintf("The container %s mounts the volume %s twice, and akv-injector mounts it once.", container, v.name),
			"Read the files in one of the two places, remove the other mount, and convert again.")
	case v.path != "" && v.path != mountPath:
		c.fail(at.Child("mountPath"), fmt.Sprintf("The volume %s is mounted at %s in one container and at %s in another, and akv-injector mounts it at one path.", v.name, v.path, mountPath),
			"Mount it at one path in all containers, and convert again.")
	}
	v.path = mountPath
	v.containers = append(v.containers, container)
}

// checkReaders names what reads a synced Secret in this workload.
func (c *conversion) checkReaders(secret string) {
	reads := func(place *finding.Place, how string) {
		c.fail(place, fmt.Sprintf("%s reads the Secret %q, which would no longer be synced.", how, secret),
			"Read the file in the mount instead.")
	}
	c.checkVolumeReaders(secret, reads)
	c.checkEnvReaders(secret, reads)
	for i, s := range c.target.Spec.ImagePullSecrets {
		if s.Name == secret {
			reads(c.specPath().Child("imagePullSecrets").Index(i), "The kubelet, pulling images,")
		}
	}
}

func (c *conversion) checkVolumeReaders(secret string, reads func(*finding.Place, string)) {
	volumes := c.target.Spec.Volumes
	for i := range volumes {
		v := &volumes[i]
		at := c.specPath().Child("volumes").Index(i)
		if v.Secret != nil && v.Secret.SecretName == secret {
			reads(at.Child("secret").Child("secretName"), "The volume "+v.Name)
		}
		if v.Projected == nil {
			continue
		}
		for j, s := range v.Projected.Sources {
			if s.Secret != nil && s.Secret.Name == secret {
				reads(at.Child("projected").Child("sources").Index(j).Child("secret").Child("name"), "The projected volume "+v.Name)
			}
		}
	}
}

func (c *conversion) checkEnvReaders(secret string, reads func(*finding.Place, string)) {
	for _, list := range []struct {
		name       string
		containers []corev1.Container
	}{{"initContainers", c.target.Spec.InitContainers}, {"containers", c.target.Spec.Containers}} {
		for i := range list.containers {
			container := &list.containers[i]
			at := c.specPath().Child(list.name).Index(i)
			for j, e := range container.Env {
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && e.ValueFrom.SecretKeyRef.Name == secret {
					reads(at.Child("env").Index(j), "The variable "+e.Name)
				}
			}
			for j, e := range container.EnvFrom {
				if e.SecretRef != nil && e.SecretRef.Name == secret {
					reads(at.Child("envFrom").Index(j), "The environment of "+container.Name)
				}
			}
		}
	}
}

// checkTogether finds what differs between the volumes of a pod, where annotations say one
// thing for all of them.
func (c *conversion) checkTogether() {
	first := &c.volumes[0]
	for i := range c.volumes[1:] {
		v := &c.volumes[i+1]
		place := c.specPath().Child("volumes").Index(v.index)
		for _, other := range c.volumes[:i+1] {
			if other.Vault == v.Vault {
				c.fail(place, fmt.Sprintf("The classes %s and %s are both of the vault %s, and akv-injector mounts each vault once.", other.class, v.class, v.Vault),
					"Put their objects into one class and one mount, and convert again.")
			}
		}
		for _, one := range []struct{ what, a, b string }{
			{"client id", first.ClientID, v.ClientID},
			{"tenant", first.TenantID, v.TenantID},
			{"cloud", first.Cloud, v.Cloud},
			{provider.AttributeInterval, first.interval, v.interval},
			{"list of containers", strings.Join(first.containers, ", "), strings.Join(v.containers, ", ")},
		} {
			if one.a != one.b {
				c.fail(place, fmt.Sprintf("The volume %s has another %s (%q) than %s (%q), and akv-injector takes one for all volumes of a pod.", v.name, one.what, one.b, first.name, one.a),
					"Make the two equal, and convert again; or keep these volumes by hand.")
			}
		}
	}
}

func cleanPath(p string) string {
	if strings.Contains(p, `\`) || len(p) > 1 && p[1] == ':' {
		return strings.TrimRight(p, `\`) // Windows
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // as the kubelet takes it
	}
	return path.Clean(p)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// classes of the input by name, for the pods of this workload.
func (c *conversion) classNamed(name string) *secretsstorev1.SecretProviderClass {
	_, class := c.in.class(c.object, name)
	return class
}
