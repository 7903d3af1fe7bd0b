package webhook

import (
	"encoding/json"

	"gomodules.xyz/jsonpatch/v2"
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
		b = appendText(append(b, `{"op":`...), o.Operation)
		b = appendText(append(b, `,"path":`...), o.Path)
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

func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return appendText(b, v), nil
	case map[string]string:
		if v != nil {
			return appendTexts(b, v), nil
		}
	}
	written, err := json.Marshal(value)
	return append(b, written...), err
}
