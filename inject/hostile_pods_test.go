package inject_test

import (
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/fixture"
)

// hostilePods are of about the size that Kubernetes accepts.
func hostilePods() map[string]func() shape {
	return map[string]func() shape{
		"a history, and variables for files that are not there": func() shape {
			objects := "array:\n" + lines(500, "- |\n  objectName: a%d\n  objectVersionHistory: 99\n")
			return hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: objects, annotation.Env: lines(500, "V%d=a/z\n")}, nil)
		},
		"the same in three vaults": func() shape {
			objects := "array:\n" + lines(500, "- |\n  objectName: a%d\n  objectVersionHistory: 99\n")
			return hostilePod(map[string]string{
				annotation.Objects + ".kv1": objects, annotation.Objects + ".kv2": objects, annotation.Objects + ".kv3": objects,
				annotation.Env: lines(500, "V%d=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"),
			}, nil)
		},
		"thousands of vaults": func() shape {
			annotations := map[string]string{}
			for i := range 5500 {
				annotations[fmt.Sprintf("%s.v%d", annotation.Objects, i)] = "a"
			}
			return hostilePod(annotations, nil)
		},
		"hundreds of vaults with paths": func() shape {
			annotations := map[string]string{}
			for i := range 240 {
				annotations[fmt.Sprintf("%s.v%d", annotation.Objects, i)] = "a"
				annotations[fmt.Sprintf("%s.w%d", annotation.MountPath, i)] = "/a"
			}
			return hostilePod(annotations, nil)
		},
		"thousands of annotations of ours": func() shape {
			annotations := map[string]string{}
			for i := range 7000 {
				annotations[fmt.Sprintf("%sobjekts%d", annotation.Prefix, i)] = "a"
			}
			return hostilePod(annotations, nil)
		},
		"tens of thousands of labels of ours": func() shape {
			return hostilePod(nil, func(p *corev1.Pod) {
				p.Labels = map[string]string{}
				for i := range 40_000 {
					p.Labels[fmt.Sprintf("%sl%d", annotation.Prefix, i)] = "a"
				}
			})
		},
		"a long list of objects": func() shape {
			return hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: strings.Repeat("a,", 120_000)}, nil)
		},
		"elements with fields that do not exist": func() shape {
			return hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: "array:\n" + strings.Repeat("- {objectNam1: a, objectNam2: a, objectNam3: a, objectNam4: a}\n", 480)}, nil)
		},
		"a map of thousands of keys in an annotation": func() shape {
			return hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: "array:\n- " + lines(15_000, "k%d: a\n  ")}, nil)
		},
		"a long list of waivers": func() shape {
			return hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: "a", annotation.Allow: strings.Repeat("X,", 120_000)}, nil)
		},
		"a long list of containers": func() shape {
			return hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: "a", annotation.Containers: lines(30_000, "c%d,")}, nil)
		},
		"containers that are misspelt": func() shape {
			return hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: "a", annotation.Containers: lines(1000, strings.Repeat("x", 55)+"%d,")}, func(p *corev1.Pod) {
				p.Spec.Containers = containersLike(500, func(c *corev1.Container) { c.Name = strings.Repeat("y", 50) + c.Name })
			})
		},
		"variables that containers have": func() shape {
			return hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: "a", annotation.Env: lines(500, "V%d=a\n")}, func(p *corev1.Pod) {
				p.Spec.Containers = containersLike(20, func(c *corev1.Container) {
					for i := range 4000 {
						c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("V%d", i%500), Value: "b"})
					}
				})
			})
		},
		"a mount at every path": func() shape {
			annotations := map[string]string{}
			for i := range 40 {
				annotations[fmt.Sprintf("%s.v%d", annotation.Objects, i+100)] = "a"
			}
			return hostilePod(annotations, func(p *corev1.Pod) {
				p.Spec.Containers = containersLike(450, func(c *corev1.Container) {
					c.VolumeMounts = mountsAt(11, func(i int) string { return fmt.Sprintf("/m%d", i) })
				})
			})
		},
		"volumes of one class that is large": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(1000, ownClass, noAttributes)
				p.Spec.Containers = containersLike(5, func(c *corev1.Container) { c.VolumeMounts = mountsAt(1000, func(int) string { return "/a" }) })
			})
			s.classes = []*secretsstorev1.SecretProviderClass{hostileClass("own", "array:\n"+lines(1000, "- |\n  objectName: a%d\n  objectVersion: abc\n  filePermission: \"0400\"\n"))}
			return s
		},
		"mounts inside one another": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(1000, ownClass, noAttributes)
				p.Spec.Containers = containersLike(5, func(c *corev1.Container) {
					c.VolumeMounts = mountsAt(1000, func(i int) string { return "/a" + strings.Repeat("/b", i%200) })
				})
			})
			s.classes = []*secretsstorev1.SecretProviderClass{hostileClass("own", wide(3))}
			return s
		},
		"volumes of many large classes": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(190, func(i int) string { return fmt.Sprintf("c%d", i) }, noAttributes)
			})
			for i := range 190 {
				s.classes = append(s.classes, hostileClass(fmt.Sprintf("c%d", i), wide(600)))
			}
			return s
		},
		"volumes of more classes than are looked up": func() shape {
			return hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(900, func(i int) string { return fmt.Sprintf("c%d", i) }, noAttributes)
			})
		},
		"attributes that override": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(900, ownClass, func(int) map[string]string {
					return map[string]string{"keyvaultName": "x-kv", "clientID": "a", "tenantID": "a", "objects": "a", "cloudName": "a"}
				})
			})
			s.classes = []*secretsstorev1.SecretProviderClass{hostileClass("own", wide(3))}
			return s
		},
		"attributes of a megabyte": func() shape {
			return hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(2, ownClass, func(int) map[string]string {
					many := map[string]string{}
					for i := range 60_000 {
						many[fmt.Sprintf("k%d", i)] = ""
					}
					return many
				})
			})
		},
		"objects in attributes": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(5, ownClass, func(int) map[string]string { return map[string]string{"objects": wide(500)} })
			})
			s.classes = []*secretsstorev1.SecretProviderClass{hostileClass("own", wide(3))}
			return s
		},
		"secrets of a class in many variables": func() shape {
			s := hostilePod(map[string]string{"secret.reloader.stakater.com/reload": strings.Repeat("x,", 100_000)}, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(1, ownClass, noAttributes)
				p.Spec.Containers = containersLike(50, func(c *corev1.Container) {
					for i := range 600 {
						c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("V%d", i), ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
							LocalObjectReference: corev1.LocalObjectReference{Name: "synced"}, Key: "a",
						}}})
					}
				})
			})
			c := hostileClass("own", wide(3))
			c.Spec.SecretObjects = []*secretsstorev1.SecretObject{{SecretName: "synced"}}
			s.classes = []*secretsstorev1.SecretProviderClass{c}
			return s
		},
		"projected volumes": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(1, ownClass, noAttributes)
				for i := range 500 {
					projected := &corev1.ProjectedVolumeSource{}
					for range 60 {
						projected.Sources = append(projected.Sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "other"}}})
					}
					p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: fmt.Sprintf("p%d", i), VolumeSource: corev1.VolumeSource{Projected: projected}})
				}
				p.Spec.Containers = containersLike(5, func(c *corev1.Container) {
					c.VolumeMounts = mountsAt(1000, func(i int) string { return fmt.Sprintf("/m%d", i) })
					for i := range c.VolumeMounts {
						c.VolumeMounts[i].Name = fmt.Sprintf("p%d", i%500)
					}
				})
			})
			c := hostileClass("own", wide(3))
			c.Spec.SecretObjects = []*secretsstorev1.SecretObject{{SecretName: "synced"}}
			s.classes = []*secretsstorev1.SecretProviderClass{c}
			return s
		},
		"a fence of thousands of globs": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) { p.Spec.Volumes = storeVolumes(1000, ownClass, noAttributes) })
			s.namespace = map[string]string{annotation.AllowedVaults: strings.Repeat("a*b*c*d*e*f*,", 19_000)}
			s.classes = []*secretsstorev1.SecretProviderClass{hostileClass("own", wide(3))}
			return s
		},
		"globs that backtrack": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) {
				p.Spec.Volumes = storeVolumes(1000, ownClass, func(i int) map[string]string {
					return map[string]string{"keyvaultName": fmt.Sprintf("%s%d", strings.Repeat("a", 59), i)}
				})
			})
			s.namespace = map[string]string{annotation.AllowedVaults: strings.Repeat("*a*aa*aaa*aaaa*aaaaab,", 100)}
			s.classes = []*secretsstorev1.SecretProviderClass{hostileClass("own", wide(3))}
			return s
		},
		"a vault's name of 100 KB": func() shape {
			s := hostilePod(nil, func(p *corev1.Pod) { p.Spec.Volumes = storeVolumes(1000, ownClass, noAttributes) })
			s.namespace = map[string]string{annotation.AllowedVaults: "*"}
			c := hostileClass("own", wide(3))
			c.Spec.Parameters[provider.ParamVault] = strings.Repeat("a", 100_000)
			s.classes = []*secretsstorev1.SecretProviderClass{c}
			return s
		},
		"annotations of the namespace": func() shape {
			s := hostilePod(map[string]string{annotation.Vault: "kv1", annotation.Objects: "a"}, nil)
			s.namespace = map[string]string{}
			for i := range 7000 {
				s.namespace[fmt.Sprintf("%sallowed%d", annotation.Prefix, i)] = "a"
			}
			return s
		},
	}
}

func hostilePod(annotations map[string]string, change func(*corev1.Pod)) shape {
	p := fixture.New().Pod
	p.Spec.Volumes, p.Spec.Containers[0].VolumeMounts = nil, nil
	p.Annotations = annotations
	if change != nil {
		change(p)
	}
	return shape{pod: p}
}

func hostileClass(name, objects string) *secretsstorev1.SecretProviderClass {
	c := fixture.New().Class
	c.Name, c.Spec.Parameters[provider.ParamObjects] = name, objects
	return c
}

func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func storeVolumes(n int, name func(int) string, attribute func(int) map[string]string) []corev1.Volume {
	list := make([]corev1.Volume, n)
	for i := range list {
		readOnly := true
		attributes := map[string]string{provider.AttributeClass: name(i)}
		maps.Copy(attributes, attribute(i))
		list[i] = corev1.Volume{Name: fmt.Sprintf("v%d", i), VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver: provider.DriverName, ReadOnly: &readOnly, VolumeAttributes: attributes,
		}}}
	}
	return list
}

func mountsAt(n int, path func(int) string) []corev1.VolumeMount {
	list := make([]corev1.VolumeMount, n)
	for i := range list {
		list[i] = corev1.VolumeMount{Name: fmt.Sprintf("v%d", i), MountPath: path(i), SubPath: "a"}
	}
	return list
}

func containersLike(n int, fill func(*corev1.Container)) []corev1.Container {
	list := make([]corev1.Container, n)
	for i := range list {
		list[i] = corev1.Container{Name: fmt.Sprintf("c%d", i)}
		fill(&list[i])
	}
	return list
}

func noAttributes(int) map[string]string { return nil }

func ownClass(int) string { return "own" }

func wide(n int) string {
	return "array:\n" + lines(n, "- |\n  objectName: a%d\n  objectType: secret\n")
}
