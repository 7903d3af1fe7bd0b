package inject_test

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// hostileUses are pods and classes that make the rules about synced Secrets, commands and names work for long.
func hostileUses() map[string]func() shape {
	return map[string]func() shape{
		"variables of a Secret with other keys": func() shape { return syncedShape("none-%d", 0) },
		"variables of the last key of a Secret": func() shape { return syncedShape("k%d", 1) },
		"a command of paths": func() shape {
			return commandShape(strings.Repeat("/a /b ", 1<<13), 30, 1)
		},
		"a command of paths in the other order": func() shape {
			return commandShape(strings.Repeat("/b ", 2<<10)+strings.Repeat("/a ", 2<<10), 90, 1)
		},
		"a command of open quotes": func() shape {
			return commandShape(strings.Repeat("$(ls /a ", 2<<10), 90, 1)
		},
		"a command of loops": func() shape {
			return commandShape(strings.Repeat("for x in /a; do ", 1000), 90, 1)
		},
		"a command of spaces": func() shape {
			return commandShape(strings.Repeat(strings.Repeat(" ", 60)+". /a", 250), 90, 1)
		},
		"commands and many mounts": func() shape {
			return commandShape(strings.Repeat("/b /a ", 2500), 40, 400)
		},
		"patterns of a reloader, and many variables": func() shape {
			s := syncedShape("k%d", 1)
			s.owner = reloadedOwner()
			return s
		},
		"patterns of a reloader, and many Secrets": func() shape {
			s := syncedShape("k%d", 1)
			s.owner = reloadedOwner()
			s.owner.Annotations[annotation.ReloaderSecrets] = strings.Repeat("(x|y)*"+strings.Repeat("[a-z]?", 40)+"z,", 60)
			c := s.classes[0]
			c.Spec.SecretObjects = nil
			env := s.pod.Spec.Containers[0].Env
			for i := range 450 {
				name := fmt.Sprintf("%s-%d", strings.Repeat("a", 240), i)
				c.Spec.SecretObjects = append(c.Spec.SecretObjects, &secretsstorev1.SecretObject{SecretName: name, Type: "Opaque", Data: []*secretsstorev1.SecretObjectData{{ObjectName: "n1", Key: "k"}}})
				env[i].ValueFrom.SecretKeyRef.Name = name
			}
			return s
		},
		"patterns of a reloader, and many mounts": func() shape {
			s := commandShape("cat", 2, 400)
			s.owner = reloadedOwner()
			for _, c := range s.pod.Spec.Containers {
				for i := range c.VolumeMounts {
					c.VolumeMounts[i].SubPath = "n1"
				}
			}
			return s
		},
		"annotations that are almost ours": func() shape {
			annotations := map[string]string{}
			for i := range 7000 {
				annotations[fmt.Sprintf("azure.keyvault-injector/k%d", i)] = "a"
			}
			return hostilePod(annotations, nil)
		},
		"attributes that nobody reads": func() shape {
			return hostilePod(nil, func(p *corev1.Pod) {
				attributes := map[string]string{provider.AttributeClass: "a"}
				for i := range 20_000 {
					attributes[fmt.Sprintf("keyvaultNam%d", i)] = "a"
				}
				p.Spec.Volumes = []corev1.Volume{{Name: "kv", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: provider.DriverName, VolumeAttributes: attributes}}}}
			})
		},
		"secretObjects with much data": func() shape {
			c := hostileClass("a", wide(300))
			for i := range 45 {
				o := &secretsstorev1.SecretObject{SecretName: fmt.Sprintf("S_%d", i%20), Type: "kubernetes.io/TLS"}
				for k := range 20 {
					o.Data = append(o.Data, &secretsstorev1.SecretObjectData{ObjectName: fmt.Sprintf("n%d-", k), Key: fmt.Sprintf("a key %d", k)})
				}
				c.Spec.SecretObjects = append(c.Spec.SecretObjects, o)
			}
			return shape{classes: []*secretsstorev1.SecretProviderClass{c}}
		},
		"an entry with much data": func() shape {
			c := hostileClass("a", wide(3))
			o := &secretsstorev1.SecretObject{SecretName: "s", Type: "Opaque", Labels: map[string]string{}}
			for k := range 450 {
				o.Data = append(o.Data, &secretsstorev1.SecretObjectData{ObjectName: "n1", Key: "k"})
				o.Labels[fmt.Sprintf("l_%d_", k)] = "a b"
			}
			c.Spec.SecretObjects = []*secretsstorev1.SecretObject{o}
			return shape{classes: []*secretsstorev1.SecretProviderClass{c}}
		},
		"objects with fields that nobody reads": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", "array:\n"+lines(400, "- |\n  objectName: n%d\n  objectType: secret\n")+strings.Repeat("  objectnam: a\n", 0)+lines(400, "- |\n  objectName: m%d\n  objectType: secret\n  objectTyp: a\n  objectnam: b\n  objectAlia: c\n"))}}
		},
	}
}

// reloadedOwner has as many patterns as count, and as large ones as they may be.
func reloadedOwner() *metav1.ObjectMeta {
	patterns := strings.Repeat(strings.Repeat("a{1000}", 35)+",", 60)
	return &metav1.ObjectMeta{Name: "web", Annotations: map[string]string{annotation.ReloaderSecrets: patterns, annotation.ReloaderClasses: patterns}}
}

// syncedShape is a pod with thousands of variables from a Secret that its class syncs with thousands of keys.
func syncedShape(key string, last int) shape {
	const keys, variables = 900, 8000
	c := hostileClass("a", wide(3))
	o := &secretsstorev1.SecretObject{SecretName: "s", Type: "Opaque"}
	for i := range keys {
		o.Data = append(o.Data, &secretsstorev1.SecretObjectData{ObjectName: "n1", Key: fmt.Sprintf("k%d", i)})
	}
	c.Spec.SecretObjects = []*secretsstorev1.SecretObject{o}
	s := hostilePod(nil, func(p *corev1.Pod) {
		mountClass(p, "a", 1)
		for i := range variables {
			if last > 0 {
				i = keys - 1
			}
			p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, corev1.EnvVar{Name: "V", ValueFrom: &corev1.EnvVarSource{
				SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: fmt.Sprintf(key, i)},
			}})
		}
	})
	s.classes = []*secretsstorev1.SecretProviderClass{c}
	return s
}

// commandShape is a pod whose init container and container have commands of some words, and a class mounted at many paths.
func commandShape(word string, words, mounts int) shape {
	s := hostilePod(nil, func(p *corev1.Pod) {
		init := corev1.Container{Name: "init", Image: "a"}
		for range words / 2 {
			p.Spec.Containers[0].Args = append(p.Spec.Containers[0].Args, word)
			init.Args = append(init.Args, word)
		}
		p.Spec.InitContainers = []corev1.Container{init}
		mountClass(p, "a", mounts)
	})
	s.classes = []*secretsstorev1.SecretProviderClass{hostileClass("a", wide(3))}
	return s
}

// mountClass mounts a class at /a, and at other paths, and another volume at /b.
func mountClass(p *corev1.Pod, class string, mounts int) {
	p.Spec.Volumes = []corev1.Volume{
		{Name: "kv", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: provider.DriverName, ReadOnly: new(true), VolumeAttributes: map[string]string{provider.AttributeClass: class}}}},
		{Name: "shared", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	var all []corev1.VolumeMount
	for i := range mounts {
		at := "/a"
		if i > 0 {
			at += fmt.Sprint(i)
		}
		all = append(all, corev1.VolumeMount{Name: "kv", MountPath: at, ReadOnly: true})
	}
	all = append(all, corev1.VolumeMount{Name: "shared", MountPath: "/b"})
	p.Spec.Containers[0].VolumeMounts = all
	for i := range p.Spec.InitContainers {
		p.Spec.InitContainers[i].VolumeMounts = all
	}
}
