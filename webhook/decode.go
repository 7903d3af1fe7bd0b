package webhook

import kjson "sigs.k8s.io/json"

// decode decodes JSON as the API server does: keys by their exact case, and whole numbers as such.
func decode(text []byte, into any) error {
	return kjson.UnmarshalCaseSensitivePreserveInts(text, into)
}

// decodeStrictly is decode, and tells of keys that an object has twice.
func decodeStrictly(text []byte, into any) (duplicates []error, err error) {
	return kjson.UnmarshalStrict(text, into, kjson.DisallowDuplicateFields)
}
