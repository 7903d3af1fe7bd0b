package provider

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// MaxObjects is how many objects one vault's annotation may name. The provider
// fetches them one by one, at every poll, for every pod.
const MaxObjects = 500

// ParseObjects reads the value of an objects annotation: the compact list
// [FILE=][TYPE/]NAME, or the provider's own YAML.
func ParseObjects(value string, fldPath *finding.Place) ([]Object, finding.FieldErrors) {
	trimmed := strings.TrimSpace(value)
	if looksLikeYAML(trimmed) {
		return parseYAMLObjects(value, fldPath)
	}
	items := text.List(trimmed)
	if len(items) == 0 {
		return nil, finding.FieldErrors{finding.Required(fldPath, finding.Problem{What: "names no objects", Fix: "list them as [FILE=][TYPE/]NAME, such as DB-Password or tls.pem=cert/frontend"})}
	}
	if len(items) > MaxObjects {
		return nil, finding.FieldErrors{TooManyObjects(fldPath, len(items))}
	}
	objects := make([]Object, 0, len(items))
	var errs finding.FieldErrors
	for i, item := range items {
		if len(errs) >= maxErrors {
			break
		}
		o, itemErrs := parseItem(item, fldPath.Index(i))
		errs = append(errs, itemErrs...)
		if len(itemErrs) == 0 {
			objects = append(objects, o)
		}
	}
	return objects, append(errs, FileClashes(objects, fldPath)...)
}

// TooManyObjects reports more than MaxObjects objects of one vault.
func TooManyObjects(fldPath *finding.Place, n int) *finding.FieldError {
	return finding.Invalid(fldPath, fmt.Sprintf("%d objects", n), finding.Problem{What: fmt.Sprintf("more than %d objects of one vault, each of which the provider fetches at every poll", MaxObjects), Fix: "name only the objects that the pod reads"})
}

// parseItem reads [FILE=][TYPE/]NAME[@VERSION].
func parseItem(item string, fldPath *finding.Place) (Object, finding.FieldErrors) {
	var errs finding.FieldErrors
	invalid := func(problem finding.Problem) {
		errs = append(errs, finding.Invalid(fldPath, item, problem))
	}
	o := Object{Type: TypeSecret}
	rest := item
	if problem := objectAddressProblem(item, true); problem.Found() {
		invalid(problem)
		return o, errs
	}
	if file, after, ok := strings.Cut(item, "="); ok {
		o.Alias, rest = strings.TrimSpace(file), strings.TrimSpace(after)
		if o.Alias == "" {
			invalid(finding.Problem{What: "has no file name before the =", Fix: "write FILE=NAME, or NAME alone"})
		} else if problem := FileProblem(o.Alias); problem.Found() {
			invalid(problem.Of("its file name "))
		}
	}
	if t, after, ok := strings.Cut(rest, "/"); ok {
		o.Type, rest = strings.TrimSpace(t), strings.TrimSpace(after)
		if problem := typeProblem(o.Type); problem.Found() {
			errs = append(errs, finding.Invalid(fldPath, item, problem.Of(fmt.Sprintf("%q before the slash ", text.Shorten(o.Type)))))
		}
	}
	if name, version, ok := strings.Cut(rest, "@"); ok {
		o.Version = strings.TrimSpace(version)
		rest = strings.TrimSpace(name)
		if o.Version == "" {
			invalid(finding.Problem{What: "has nothing after the @", Fix: "leave the @ out to follow the newest version"})
		} else if !text.IsName(o.Version) {
			invalid(finding.Problem{What: "has a version that is not letters and digits", Fix: "leave it out to follow the newest"})
		}
	}
	o.Name = rest
	if problem := objectNameProblem(o.Name); problem.Found() {
		invalid(problem)
	}
	return o.canonical(), errs
}

// canonical leaves out fields that have the provider's defaults.
func (o Object) canonical() Object {
	if o.Alias == o.Name {
		o.Alias = ""
	}
	if o.VersionHistory <= 1 {
		o.VersionHistory = 0
	} else if o.Version == LatestVersion {
		o.Version = ""
	}
	if o.Format == "pem" {
		o.Format = ""
	}
	if o.Encoding == "utf-8" {
		o.Encoding = ""
	}
	return o
}

// SortObjects sorts objects, so that equal sets have one order.
func SortObjects(objects []Object) {
	slices.SortFunc(objects, func(a, b Object) int {
		return cmp.Or(cmp.Compare(a.File(), b.File()), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
}

// FileClashes finds objects of one mount that would be written to the same path. The
// provider silently keeps the last one.
func FileClashes(objects []Object, fldPath *finding.Place) finding.FieldErrors {
	return clashes(objects, fldPath, false)
}

// classClashes is FileClashes for a class, where the very same object may be listed twice: it is fetched
// twice, and nothing is wrong with its file.
func classClashes(objects []Object, fldPath *finding.Place) finding.FieldErrors {
	return clashes(objects, fldPath, true)
}

func clashes(objects []Object, fldPath *finding.Place, mayRepeat bool) finding.FieldErrors {
	var errs finding.FieldErrors
	taken := make(map[string]Object, len(objects))
	for _, o := range objects {
		if len(errs) >= maxErrors {
			return errs
		}
		file := o.File()
		if file == "" {
			continue // reported already
		}
		other, ok := taken[file]
		if ok && mayRepeat && other == o {
			continue
		}
		if ok && other.Type == o.Type && other.Name == o.Name {
			errs = append(errs, finding.Duplicate(fldPath, file, finding.Problem{What: "is listed twice", Fix: "remove one"}))
			continue
		} else if ok {
			errs = append(errs, finding.Duplicate(fldPath, file, finding.Problem{What: fmt.Sprintf("the file of both %s/%s and %s/%s", other.Type, text.Shorten(other.Name), o.Type, text.Shorten(o.Name)), Fix: "rename the file of one of them, as in FILE=NAME (objectAlias in YAML)"}))
			continue
		}
		taken[file] = o
	}
	// A file cannot be a folder too, and only the provider may write in a folder of versions.
	for _, o := range objects {
		file := o.File()
		for i := range len(file) {
			if file[i] != '/' {
				continue
			}
			if len(errs) >= maxErrors {
				return errs
			}
			if other, ok := taken[file[:i]]; ok {
				errs = append(errs, finding.Invalid(fldPath, file, finding.Problem{What: fmt.Sprintf("is below %q, which is the file or folder of %s/%s", text.Shorten(other.File()), other.Type, text.Shorten(other.Name)), Fix: "rename one of the two"}))
			}
		}
	}
	return errs
}
