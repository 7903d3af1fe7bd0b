// Package narrowed takes out of objects what package narrow leaves out of them.
package narrowed

import (
	"reflect"
	"slices"
	"strings"

	"akv-injector/webhook/narrow"
)

// Clear clears the fields of what a pointer leads to.
func Clear(pointer any) { clearIn(reflect.ValueOf(pointer)) }

func clearIn(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // Other kinds have no fields.
	case reflect.Pointer:
		if !v.IsNil() {
			clearIn(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			clearIn(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case !f.IsExported():
			case name != "" && slices.Contains(narrow.LeftOut[v.Type()], name):
				v.Field(i).SetZero()
			default:
				clearIn(v.Field(i))
			}
		}
	}
}
