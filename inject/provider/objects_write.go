package provider

import (
	"slices"
	"strings"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
)

// FormatObjects writes objects as the value of an objects annotation, which ParseObjects
// reads back as the same objects: as the compact list if that can express them, and with
// the provider's own fields otherwise.
func FormatObjects(objects []Object) string {
	items := make([]string, 0, len(objects))
	for _, o := range objects {
		items = append(items, o.item())
	}
	const line = 60
	value := strings.Join(items, ", ")
	if len(value) > line {
		value = strings.Join(items, "\n") + "\n"
	}
	if back, errs := ParseObjects(value, nil); len(errs) == 0 && slices.Equal(back, objects) {
		return value
	}
	var b strings.Builder
	for _, o := range objects {
		var fields strings.Builder
		o.write(&fields, "  ")
		b.WriteString("-" + fields.String()[1:])
	}
	return b.String()
}

// item is the object in the compact list, as far as that can express it.
func (o Object) item() string {
	item := o.Name
	if o.Type != TypeSecret {
		item = o.Type + "/" + item
	}
	if o.Alias != "" {
		item = o.Alias + "=" + item
	}
	return item
}

// ClassObjects are the objects of a class for the Azure provider, read as the provider
// reads them, and the errors for which it would refuse them.
func ClassObjects(class *secretsstorev1.SecretProviderClass) ([]Object, finding.FieldErrors) {
	objects, _, errs := ReadObjects(class.Spec.Parameters[ParamObjects], finding.At("spec", "parameters", ParamObjects))
	return objects, errs
}

// writeObjects writes the provider's form: YAML in which each element of array is
// itself a string of YAML. Elements that are maps fail at mount time.
func writeObjects(objects []Object) string {
	var b strings.Builder
	const usual = 96 // bytes of an object
	b.Grow(usual * (1 + len(objects)))
	b.WriteString("array:\n")
	for _, o := range objects {
		b.WriteString("  - |\n")
		o.write(&b, "    ")
	}
	return b.String()
}
