package plan

import (
	"strings"

	"akv-injector/inject/provider"
)

// maxCandidates is how many files are compared with a misspelt one.
const maxCandidates = 200

// mountedFiles are the files that the planned volumes will have. Those of a history, which can
// be dozens for each object, are not listed: a path is compared with the object's folder.
type mountedFiles struct {
	at    map[string][]mounted
	order []provider.Object
	// open is the mount of a class whose files are not known.
	open string
}

type mounted struct {
	path   string
	object provider.Object
}

func (p *planner) mountedFiles() *mountedFiles {
	f := &mountedFiles{at: map[string][]mounted{}}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		objects, complete := p.objectsOf(v)
		if !complete {
			f.open = v.MountPath
		}
		for _, o := range objects {
			f.at[o.File()] = append(f.at[o.File()], mounted{v.MountPath, o})
		}
		f.order = append(f.order, objects...)
	}
	return f
}

// find returns the mount paths that have a file.
func (f *mountedFiles) find(file string) []string {
	var found []string
	for _, m := range f.at[file] {
		if m.object.VersionHistory <= 1 {
			found = append(found, m.path)
		}
	}
	slash := strings.LastIndexByte(file, '/')
	if slash < 0 {
		return found
	}
	for _, m := range f.at[file[:slash]] {
		if m.object.HasVersionFile(file[slash+1:]) {
			found = append(found, m.path)
		}
	}
	return found
}

// known returns files to compare with a misspelt one.
func (f *mountedFiles) known() []string {
	var files []string
	for _, o := range f.order {
		for _, file := range o.Files() {
			if len(files) == maxCandidates {
				return files
			}
			files = append(files, file)
		}
	}
	return files
}
