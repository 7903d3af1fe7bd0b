package preview

import (
	"encoding/json"
	"fmt"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	jsonpatchv4 "gopkg.in/evanphx/json-patch.v4"

	"akv-injector/inject/finding"
)

// Apply makes an object's JSON what a decision's patch makes of it. The pod is at path in
// the object: nil for a Pod, spec.template for a Deployment. Fields that our types do not
// know survive.
func Apply(object []byte, path *finding.Place, patch []jsonpatch.Operation) ([]byte, error) {
	if len(patch) == 0 {
		return object, nil
	}
	var b strings.Builder
	for _, step := range path.Steps() {
		if step.Kind == finding.Element {
			fmt.Fprintf(&b, "/%d", step.Index)
			continue
		}
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step.Name))
	}
	at := b.String()
	ops := make([]jsonpatch.Operation, 0, len(patch)+1)
	if missing, err := noMetadata(object, path); err != nil {
		return nil, err
	} else if missing {
		// A template may have none; the pods made from it do.
		ops = append(ops, jsonpatch.NewOperation("add", at+"/metadata", map[string]any{}))
	}
	for _, op := range patch {
		op.Path = at + op.Path
		ops = append(ops, op)
	}
	text, err := json.Marshal(ops)
	if err != nil {
		return nil, err
	}
	decoded, err := jsonpatchv4.DecodePatch(text)
	if err != nil {
		return nil, err
	}
	return decoded.Apply(object)
}

// At is the JSON of what stands at a path of names.
func At(object []byte, path *finding.Place) (json.RawMessage, error) {
	raw := json.RawMessage(object)
	for _, step := range path.Steps() {
		if step.Kind == finding.Element {
			var items []json.RawMessage
			if err := json.Unmarshal(raw, &items); err != nil || step.Index >= len(items) {
				return nil, fmt.Errorf("%s: no such element: %w", path, err)
			}
			raw = items[step.Index]
			continue
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		raw = fields[step.Name]
	}
	return raw, nil
}

func noMetadata(object []byte, path *finding.Place) (bool, error) {
	raw, err := At(object, path.Child("metadata"))
	return len(raw) == 0 || string(raw) == "null", err
}
