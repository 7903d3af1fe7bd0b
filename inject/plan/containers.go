package plan

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

func (p *planner) planContainers(chosen []string) {
	env := p.planEnv()
	removed := ""
	if i := p.account.tokenVolume; i >= 0 {
		removed = p.t.Spec.Volumes[i].Name
	}
	workload.EachContainer(p.t.Spec, func(c workload.Container) {
		e := containerEdit{Container: c}
		for i := range c.VolumeMounts {
			if removed != "" && c.VolumeMounts[i].Name == removed {
				e.removeMounts = append(e.removeMounts, i)
			}
		}
		if slices.Contains(chosen, c.Name) {
			p.planMounts(&e)
			p.addEnv(&e, env)
		}
		if e.changes() {
			p.edits = append(p.edits, e)
		}
	})
}

func (e *containerEdit) changes() bool {
	return len(e.setReadOnly)+len(e.removeMounts)+len(e.addMounts)+len(e.addEnv) > 0
}

// MountObstacle is a mount of the pod itself at a path where an annotation asks for secrets.
type MountObstacle struct {
	// Place of its mountPath, and the Path itself.
	Place *finding.Place
	Path  string
	// For is the annotation that asks for secrets at that path.
	For *finding.Place
}

// planMounts adds a read-only mount of every planned volume to the container, without a
// subPath: a rotated file never arrives in a subPath mount.
func (p *planner) planMounts(e *containerEdit) {
	for i := range p.Volumes {
		v := &p.Volumes[i]
		own := slices.IndexFunc(e.VolumeMounts, func(m corev1.VolumeMount) bool { return p.samePath(m.MountPath, v.MountPath) })
		if own < 0 {
			e.addMounts = append(e.addMounts, corev1.VolumeMount{Name: v.Name, MountPath: v.MountPath, ReadOnly: true})
			continue
		}
		m := &e.VolumeMounts[own]
		if m.Name != v.Name || m.SubPath != "" || m.SubPathExpr != "" {
			p.MountObstacles = append(p.MountObstacles, MountObstacle{
				Place: e.Path(p.t.SpecPath()).Child("volumeMounts").Index(own).Child("mountPath"), Path: v.MountPath, For: v.Request.FieldPath,
			})
			continue
		}
		if !m.ReadOnly {
			e.setReadOnly = append(e.setReadOnly, own)
		}
	}
}

// planEnv returns a variable with the file's path for each NAME=FILE.
func (p *planner) planEnv() []corev1.EnvVar {
	var env []corev1.EnvVar
	for _, want := range p.r.Env {
		var found []string
		var known []string
		open := "" // the mount of a class whose files are not known
		for i := range p.Volumes {
			v := &p.Volumes[i]
			objects, complete := p.objectsOf(v)
			if !complete {
				open = v.MountPath
			}
			for _, o := range objects {
				for _, file := range o.Files() {
					known = append(known, file)
					if file == want.File {
						found = append(found, v.MountPath)
					}
				}
			}
		}
		switch {
		case len(found) == 0 && open != "":
			found = append(found, open)
		case len(found) == 0:
			if len(p.Volumes) == len(p.r.Mounts) {
				p.fail(field.ErrorTypeInvalid, want.FieldPath,
					fmt.Sprintf("No object is mounted as the file %q.", text.Shorten(want.File)),
					strings.TrimSpace("Name a file of the mount: FILE of an object, or its NAME. "+text.Instruction(text.DidYouMean(want.File, known))))
			}
			continue
		case len(found) > 1:
			p.fail(field.ErrorTypeInvalid, want.FieldPath,
				fmt.Sprintf("The file %q is in more than one vault's mount.", text.Shorten(want.File)),
				"Give one of the objects another file name: FILE=NAME.")
			continue
		}
		// The kubelet expands $(NAME) in a value, and replaces $$ with a dollar sign.
		path := strings.ReplaceAll(workload.FilePath(found[0], want.File, p.windows), "$", "$$")
		env = append(env, corev1.EnvVar{Name: want.Name, Value: path})
	}
	return env
}

// objectsOf returns the objects of a planned volume; complete is false if its class is not
// known or cannot be read.
func (p *planner) objectsOf(v *Volume) (objects []provider.Object, complete bool) {
	if v.Request.Class == "" {
		return v.Request.Objects, true
	}
	class := p.f.Classes[v.Request.Class]
	if !class.Azure() {
		return nil, false
	}
	return class.Objects, len(class.Errors) == 0
}

func (p *planner) addEnv(e *containerEdit, env []corev1.EnvVar) {
	for _, v := range env {
		own := func(have corev1.EnvVar) bool { return have.Name == v.Name }
		// The last of several variables with one name counts, so each must have the value.
		other := slices.IndexFunc(e.Env, func(have corev1.EnvVar) bool {
			return own(have) && (have.Value != v.Value || have.ValueFrom != nil)
		})
		switch {
		case !slices.ContainsFunc(e.Env, own):
			e.addEnv = append(e.addEnv, v)
		case other >= 0:
			p.fail(field.ErrorTypeInvalid, e.Path(p.t.SpecPath()).Child("env").Index(other),
				fmt.Sprintf("The container sets %s itself, to another value than the file's path that %s asks for.", text.Shorten(v.Name), annotation.Env),
				"Remove one of the two.")
		}
	}
}
