package webhook

import (
	fastjson "github.com/go-json-experiment/json"
	kjson "sigs.k8s.io/json"
)

// decodeQuickly decodes JSON in one pass, and reports whether it did. The API server's own decoder needs three times
// as long. Of all that it cannot decode, or that the API server's decoder might take in another way (keys twice,
// broken text, any error), it reports false, and decode has the last word. FuzzDecode holds the two together.
func decodeQuickly(text []byte, into any) bool {
	return fastjson.Unmarshal(text, into) == nil
}

// decode decodes JSON as the API server does: keys by their exact case, and whole numbers as such.
func decode(text []byte, into any) error {
	return kjson.UnmarshalCaseSensitivePreserveInts(text, into)
}

// decodeStrictly is decode, and tells of keys that an object has twice.
func decodeStrictly(text []byte, into any) (duplicates []error, err error) {
	return kjson.UnmarshalStrict(text, into, kjson.DisallowDuplicateFields)
}
