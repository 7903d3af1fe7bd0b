package provider

import "strings"

// ImageParts are the last part of an image's name, and its tag if it has one: registry.example:5000/a/akv-injector:v1.2.3@sha256:…
// has akv-injector and v1.2.3.
func ImageParts(reference string) (name, tag string) {
	reference, _, _ = strings.Cut(reference, "@")
	name, tag, _ = strings.Cut(reference[strings.LastIndexByte(reference, '/')+1:], ":")
	return name, tag
}
