package provider

import "testing"

func TestImageParts(t *testing.T) {
	for reference, want := range map[string][2]string{
		"akv-injector:v1.2.3": {"akv-injector", "v1.2.3"}, "registry.example:5000/team/akv-injector:v1.2.3@sha256:abc": {"akv-injector", "v1.2.3"},
		"registry.example:5000/akv-injector": {"akv-injector", ""}, "akv-injector@sha256:abc": {"akv-injector", ""}, "": {"", ""},
	} {
		if name, tag := ImageParts(reference); name != want[0] || tag != want[1] {
			t.Errorf("%q: %q and %q, want %q", reference, name, tag, want)
		}
	}
}
