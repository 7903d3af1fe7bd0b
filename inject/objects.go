package inject

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/internal/text"
)

// maxObjects is how many objects one vault's annotation may name. The provider
// fetches them one by one, at every poll, for every pod.
const maxObjects = 500

// ParseObjects reads the value of an objects annotation: the compact list
// [FILE=][TYPE/]NAME, or the provider's own YAML.
func ParseObjects(value string, fldPath *field.Path) ([]Object, field.ErrorList) {
	trimmed := strings.TrimSpace(value)
	if looksLikeYAML(trimmed) {
		return parseYAMLObjects(value, fldPath)
	}
	items := text.List(trimmed)
	if len(items) == 0 {
		return nil, field.ErrorList{field.Required(fldPath,
			"names no objects; list them as [FILE=][TYPE/]NAME, such as DB-Password or tls.pem=cert/frontend")}
	}
	if len(items) > maxObjects {
		return nil, field.ErrorList{tooManyObjects(fldPath, len(items))}
	}
	objects := make([]Object, 0, len(items))
	var errs field.ErrorList
	for i, item := range items {
		o, itemErrs := parseItem(item, fldPath.Index(i))
		errs = append(errs, itemErrs...)
		if len(itemErrs) == 0 {
			objects = append(objects, o)
		}
	}
	return objects, append(errs, fileClashes(objects, fldPath)...)
}

func tooManyObjects(fldPath *field.Path, n int) *field.Error {
	return field.Invalid(fldPath, fmt.Sprintf("%d objects", n),
		fmt.Sprintf("more than %d objects of one vault; the provider fetches each one at every poll: name only what the pod reads", maxObjects))
}

// parseItem reads [FILE=][TYPE/]NAME[@VERSION].
func parseItem(item string, fldPath *field.Path) (Object, field.ErrorList) {
	var errs field.ErrorList
	invalid := func(problem string) {
		errs = append(errs, field.Invalid(fldPath, text.Shorten(item), problem))
	}
	o := Object{Type: typeSecret}
	rest := item
	if file, after, ok := strings.Cut(item, "="); ok {
		o.Alias, rest = strings.TrimSpace(file), strings.TrimSpace(after)
		if o.Alias == "" {
			invalid("has no file name before the =; write FILE=NAME, or NAME alone")
		} else if problem := fileProblem(o.Alias); problem != "" {
			invalid("its file name " + problem)
		}
	}
	if t, after, ok := strings.Cut(rest, "/"); ok {
		o.Type, rest = strings.TrimSpace(t), strings.TrimSpace(after)
		if problem := typeProblem(o.Type); problem != "" {
			errs = append(errs, field.Invalid(fldPath, text.Shorten(item),
				fmt.Sprintf("%q before the slash %s", text.Shorten(o.Type), problem)))
		}
	}
	if name, version, ok := strings.Cut(rest, "@"); ok {
		o.Version = strings.TrimSpace(version)
		rest = strings.TrimSpace(name)
		if o.Version == "" {
			invalid("has nothing after the @; leave the @ out to follow the newest version")
		} else if !text.IsName(o.Version) {
			invalid("has a version that is not letters and digits; leave it out to follow the newest")
		}
	}
	o.Name = rest
	if problem := objectNameProblem(o.Name); problem != "" {
		invalid(problem)
	}
	return o.canonical(), errs
}

// canonical leaves out what the provider's defaults say anyway.
func (o Object) canonical() Object {
	if o.Alias == o.Name {
		o.Alias = ""
	}
	if o.VersionHistory <= 1 {
		o.VersionHistory = 0
	} else if o.Version == latestVersion {
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

// sortObjects gives equal sets of objects one order.
func sortObjects(objects []Object) {
	slices.SortFunc(objects, func(a, b Object) int {
		return cmp.Or(cmp.Compare(a.File(), b.File()), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
}

// fileClashes finds objects of one mount that would be written to one place. The
// provider lets the last one win without a word.
func fileClashes(objects []Object, fldPath *field.Path) field.ErrorList {
	var errs field.ErrorList
	taken := make(map[string]Object, len(objects))
	for _, o := range objects {
		file := o.File()
		if file == "" {
			continue // told already
		}
		if other, ok := taken[file]; ok && other.Type == o.Type && other.Name == o.Name {
			errs = append(errs, duplicate(fldPath, file, "is listed twice; remove one"))
			continue
		} else if ok {
			errs = append(errs, duplicate(fldPath, file, fmt.Sprintf(
				"the file of both %s/%s and %s/%s; give one another name, as in FILE=NAME (objectAlias in YAML)",
				other.Type, text.Shorten(other.Name), o.Type, text.Shorten(o.Name))))
			continue
		}
		taken[file] = o
	}
	// A file cannot also be a folder, and a folder of numbered versions is the provider's own.
	for _, o := range objects {
		file := o.File()
		for i := range len(file) {
			if file[i] != '/' {
				continue
			}
			if other, ok := taken[file[:i]]; ok {
				errs = append(errs, field.Invalid(fldPath, text.Shorten(file), fmt.Sprintf(
					"lies below %q, which is the file or folder of %s/%s; give one another name",
					text.Shorten(other.File()), other.Type, text.Shorten(other.Name))))
			}
		}
	}
	return errs
}
