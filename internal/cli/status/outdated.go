package status

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
)

// outdating is a way in which a running container goes on with an old content of some
// files, whatever is mounted.
type outdating struct {
	code      Code
	container container
	// how the container has the content.
	how string
	// volume, or the class behind the Secret, that the files are of.
	volume, class string
	touches       func(file string) bool
}

// outdated finds them by the rules that refuse them at admission.
func outdated(pod *corev1.Pod, classes map[string]*facts.Class, volumes []facts.Volume) []outdating {
	alive := running(pod)
	var all []outdating
	for _, f := range inject.Outdated(pod, classes) {
		place, ok := placeIn(f.Place)
		if !ok {
			continue
		}
		eachContainer(&pod.Spec, func(list string, index int, c *corev1.Container) {
			runs, isRunning := alive[c.Name]
			if list != place.list || index != place.container || !isRunning {
				return
			}
			for _, o := range outdatedAt(pod, c, place, volumes) {
				o.container = runs
				all = append(all, o)
			}
		})
	}
	return all
}

// place is where in a container a finding is: spec.containers[0].volumeMounts[1].subPath.
type place struct {
	list      string
	container int
	field     string
	index     int
}

func placeIn(p *finding.Place) (place, bool) {
	steps := p.Steps()
	if len(steps) < 5 || steps[2].Kind != finding.Element || steps[4].Kind != finding.Element {
		return place{}, false
	}
	return place{steps[1].Name, steps[2].Index, steps[3].Name, steps[4].Index}, true
}

// outdatedAt says which files a finding is about.
func outdatedAt(pod *corev1.Pod, c *corev1.Container, at place, volumes []facts.Volume) []outdating {
	switch {
	case at.field == "volumeMounts" && at.index < len(c.VolumeMounts):
		return outdatedMount(pod, &c.VolumeMounts[at.index], volumes)
	case at.field == "env" && at.index < len(c.Env):
		e := &c.Env[at.index]
		if e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil {
			return nil
		}
		ref := e.ValueFrom.SecretKeyRef
		return ofSecret(SyncedVariable, "the variable "+e.Name, ref.Name, ref.Key, volumes)
	case at.field == "envFrom" && at.index < len(c.EnvFrom):
		if ref := c.EnvFrom[at.index].SecretRef; ref != nil {
			return ofSecret(SyncedVariable, "variables of the Secret "+ref.Name, ref.Name, "", volumes)
		}
	}
	return nil
}

func outdatedMount(pod *corev1.Pod, m *corev1.VolumeMount, volumes []facts.Volume) []outdating {
	how, path := "subPath "+m.SubPath, m.SubPath
	if m.SubPathExpr != "" {
		how, path = "subPathExpr "+m.SubPathExpr, ""
	}
	for i := range volumes {
		if volumes[i].Name == m.Name {
			return []outdating{{code: SubPath, how: "a mount with the " + how, volume: m.Name, touches: func(file string) bool {
				// A file, a folder around files, or it is not known which.
				return path == "" || file == path || strings.HasPrefix(file, path+"/") || strings.HasPrefix(path, file+"/")
			}}}
		}
	}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.Name != m.Name {
			continue
		}
		var all []outdating
		if v.Secret != nil {
			all = append(all, ofSecret(SubPath, "a mount of the Secret "+v.Secret.SecretName+" with the "+how, v.Secret.SecretName, "", volumes)...)
		}
		if v.Projected != nil {
			for _, source := range v.Projected.Sources {
				if source.Secret != nil {
					all = append(all, ofSecret(SubPath, "a mount of the Secret "+source.Secret.Name+" with the "+how, source.Secret.Name, "", volumes)...)
				}
			}
		}
		return all
	}
	return nil
}

// ofSecret says which files a synced Secret is made of, or one key of it.
func ofSecret(code Code, how, secret, key string, volumes []facts.Volume) []outdating {
	var all []outdating
	for i := range volumes {
		v := &volumes[i]
		if v.Class == nil {
			continue
		}
		files := map[string]bool{}
		for _, o := range v.Class.Spec.SecretObjects {
			if o == nil || o.SecretName != secret {
				continue
			}
			for _, d := range o.Data {
				if d != nil && (key == "" || key == d.Key) {
					files[d.ObjectName] = true
				}
			}
		}
		if len(files) > 0 {
			all = append(all, outdating{code: code, how: how, class: v.ClassName, touches: func(file string) bool { return files[file] }})
		}
	}
	return all
}

// reason says what the container has. It is certain that it has an old content only if
// the mounted version is younger than the container.
func (o *outdating) reason(mountedCreated *time.Time) (r Reason, stale bool) {
	if mountedCreated != nil && mountedCreated.After(o.container.started) {
		return Reason{o.code, fmt.Sprintf("container %s started before this version was made, and has an older one by %s", o.container.name, o.how)}, true
	}
	return Reason{o.code, fmt.Sprintf("container %s keeps what it started with by %s", o.container.name, o.how)}, false
}
