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
	if len(p.Volumes) == 0 {
		return
	}
	at := p.mountsByPath(e.Container)
	for i := range p.Volumes {
		v := &p.Volumes[i]
		own, ok := at[workload.ComparablePath(v.MountPath, p.windows)]
		if !ok {
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

// mountsByPath returns the index of the first mount at each path.
func (p *planner) mountsByPath(c workload.Container) map[string]int {
	at := make(map[string]int, len(c.VolumeMounts))
	for i := range c.VolumeMounts {
		path := workload.ComparablePath(c.VolumeMounts[i].MountPath, p.windows)
		if _, taken := at[path]; !taken {
			at[path] = i
		}
	}
	return at
}

// planEnv returns a variable with the file's path for each NAME=FILE.
func (p *planner) planEnv() []corev1.EnvVar {
	if len(p.r.Env) == 0 {
		return nil
	}
	files := p.mountedFiles()
	var env []corev1.EnvVar
	var hints text.Hints
	for _, want := range p.r.Env {
		found := files.find(want.File)
		switch {
		case len(found) == 0 && files.open != "":
			found = append(found, files.open)
		case len(found) == 0:
			if len(p.Volumes) == len(p.r.Mounts) {
				hint := text.Instruction(hints.DidYouMean(want.File, files.known()))
				p.fail(field.ErrorTypeInvalid, want.FieldPath,
					fmt.Sprintf("No object is mounted as the file %q.", text.Shorten(want.File)),
					strings.TrimSpace("Name a file of the mount: FILE of an object, or its NAME. "+hint))
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
	if len(env) == 0 {
		return
	}
	type own struct {
		set bool
		// other is the first that has another value, or -1.
		other int
	}
	wanted := make(map[string]own, len(env))
	value := make(map[string]string, len(env))
	for _, v := range env {
		wanted[v.Name], value[v.Name] = own{other: -1}, v.Value
	}
	for i := range e.Env {
		have := &e.Env[i]
		o, ok := wanted[have.Name]
		if !ok {
			continue
		}
		o.set = true
		// The last of several variables with one name counts, so each must have the value.
		if o.other < 0 && (have.Value != value[have.Name] || have.ValueFrom != nil) {
			o.other = i
		}
		wanted[have.Name] = o
	}
	for _, v := range env {
		switch o := wanted[v.Name]; {
		case !o.set:
			e.addEnv = append(e.addEnv, v)
		case o.other >= 0:
			p.fail(field.ErrorTypeInvalid, e.Path(p.t.SpecPath()).Child("env").Index(o.other),
				fmt.Sprintf("The container sets %s itself, to another value than the file's path that %s asks for.", text.Shorten(v.Name), annotation.Env),
				"Remove one of the two.")
		}
	}
}
