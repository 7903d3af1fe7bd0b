package webhook

import (
	"encoding/json"
	"reflect"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"

	"akv-injector/internal/text"
)

// usualPatch is the size of most patches.
const usualPatch = 2 << 10

// marshalPatch writes a patch as json.Marshal does. That asks each operation to write itself, and then reads all that it
// has written again.
func marshalPatch(operations []jsonpatch.Operation) ([]byte, error) {
	b := append(make([]byte, 0, usualPatch), '[')
	for i := range operations {
		o := &operations[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = text.AppendJSON(append(b, `{"op":`...), o.Operation)
		b = text.AppendJSON(append(b, `,"path":`...), o.Path)
		if o.Value != nil || o.Operation == "add" || o.Operation == "replace" {
			var err error
			if b, err = appendValue(append(b, `,"value":`...), o.Value); err != nil {
				return nil, err
			}
		}
		b = append(b, '}')
	}
	return append(b, ']'), nil
}

// appendValue writes by hand what patches are made of.
func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return text.AppendJSON(b, v), nil
	case map[string]string:
		return text.AppendJSONMap(b, v), nil
	case corev1.VolumeMount:
		rest := v
		rest.Name, rest.ReadOnly, rest.MountPath = "", false, ""
		if reflect.ValueOf(&rest).Elem().IsZero() {
			return appendMount(b, &v), nil
		}
	case corev1.EnvVar:
		if v.ValueFrom == nil && v.Value != "" {
			b = text.AppendJSON(append(b, `{"name":`...), v.Name)
			b = text.AppendJSON(append(b, `,"value":`...), v.Value)
			return append(b, '}'), nil
		}
	case corev1.Volume:
		if v.CSI != nil && v.VolumeSource == (corev1.VolumeSource{CSI: v.CSI}) && isTrue(v.CSI.ReadOnly) && v.CSI.NodePublishSecretRef == nil && v.CSI.FSType == nil {
			return appendVolume(b, &v), nil
		}
	case []any:
		return appendList(b, v)
	}
	written, err := json.Marshal(value)
	return append(b, written...), err
}

func appendMount(b []byte, m *corev1.VolumeMount) []byte {
	b = text.AppendJSON(append(b, `{"name":`...), m.Name)
	if m.ReadOnly {
		b = append(b, `,"readOnly":true`...)
	}
	b = text.AppendJSON(append(b, `,"mountPath":`...), m.MountPath)
	return append(b, '}')
}

func appendVolume(b []byte, v *corev1.Volume) []byte {
	b = text.AppendJSON(append(b, `{"name":`...), v.Name)
	b = text.AppendJSON(append(b, `,"csi":{"driver":`...), v.CSI.Driver)
	b = append(b, `,"readOnly":true`...)
	if len(v.CSI.VolumeAttributes) > 0 {
		b = text.AppendJSONMap(append(b, `,"volumeAttributes":`...), v.CSI.VolumeAttributes)
	}
	return append(b, `}}`...)
}

func appendList(b []byte, list []any) ([]byte, error) {
	if list == nil {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i, element := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, element); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func isTrue(b *bool) bool { return b != nil && *b }
