package provider

import "akv-injector/inject/finding"

// SortAndWriteObjects is the objects parameter of a generated class.
func SortAndWriteObjects(objects []Object) string {
	SortObjects(objects)
	return writeObjects(objects)
}

// ParseClassObjects reads the objects parameter of any class.
func ParseClassObjects(text string) ([]Object, finding.FieldErrors) {
	objects, _, errs := ReadObjects(text, nil)
	return objects, errs
}
