package webhook

import (
	"bytes"
	"encoding/json"

	"gomodules.xyz/jsonpatch/v2"
)

// marshalPatch writes a patch as json.Marshal does. That asks each operation to write itself, and then reads all that it
// has written again.
func marshalPatch(operations []jsonpatch.Operation) ([]byte, error) {
	var b bytes.Buffer
	const usual = 4 << 10
	b.Grow(usual)
	encoder := json.NewEncoder(&b)
	write := func(value any) error {
		if err := encoder.Encode(value); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the end of the line
		return nil
	}
	b.WriteByte('[')
	for i := range operations {
		o := &operations[i]
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"op":`)
		if err := write(o.Operation); err != nil {
			return nil, err
		}
		b.WriteString(`,"path":`)
		if err := write(o.Path); err != nil {
			return nil, err
		}
		if o.Value != nil || o.Operation == "add" || o.Operation == "replace" {
			b.WriteString(`,"value":`)
			if err := write(o.Value); err != nil {
				return nil, err
			}
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}
