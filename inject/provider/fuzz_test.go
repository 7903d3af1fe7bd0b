package provider_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/azprovider"
	"akv-injector/internal/testing/corpus"
)

// objectSeeds adds the objects annotations and parameters of the corpus, and inputs that
// are hard to parse.
func objectSeeds(f *testing.F) {
	f.Helper()
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		if class := c.Class(); class != nil {
			f.Add(class.Spec.Parameters["objects"])
		}
		if t := c.Target(); t != nil {
			for key, value := range t.Meta.Annotations {
				if strings.HasPrefix(key, annotation.Objects) {
					f.Add(value)
				}
			}
		}
		for _, o := range c.Objects() {
			if class, ok := o.(*secretsstorev1.SecretProviderClass); ok {
				f.Add(class.Spec.Parameters["objects"])
			}
		}
	}
	for _, seed := range []string{
		"", "#", ",,\n", "a=b=c", "=", "/", "@", "a@", "secret/@v", "\ufffd", "a\x00b", "\xff", "f\u202e=a", "null", "on", "-", "--", "- ",
		"~=a", "yes=a", "1e3=a", "0x1=a", "a:b=c", "\"=a", "'=a", "{=a", "%=a", "tls/$(A)=a", " a = cert / b @ v ",
		"array:\n- a: &a [x,x]\n  b: &b [*a,*a]\n  c: [*b,*b]", "array: &a\n- *a", "- !!binary aGk=", "- objectName: !!binary aGk=",
		"- <<: {objectName: a}", "- ? [a]\n  : b", "- {objectName: a, objectAlias: \"\\u0085\"}", "- objectName: a\n  objectAlias: \"a\\tb\"",
		"array:\n- |\n  objectName: a\n  objectVersionHistory: 2147483647", "- objectName: a\n...\n---\n", "%YAML 1.1\n---\narray: []",
	} {
		f.Add(seed)
	}
}

func FuzzObjects(f *testing.F) {
	objectSeeds(f)
	f.Fuzz(func(t *testing.T, value string) { roundTrip(t, value) })
}

func FuzzYAMLObjects(f *testing.F) {
	objectSeeds(f)
	f.Fuzz(func(t *testing.T, value string) {
		if trimmed := strings.TrimSpace(value); !strings.HasPrefix(trimmed, "- ") && !strings.HasPrefix(trimmed, "array:") {
			value = "array:\n" + value
		}
		roundTrip(t, value)
	})
}

// roundTrip parses an annotation. If it has no error, the provider and this package must
// read the same objects from the class that is written from it.
func roundTrip(t *testing.T, value string) {
	t.Helper()
	// The same text may be in a class, where it must not cause a panic either.
	_, _ = provider.ParseClassObjects(value)

	objects, errs := provider.ParseObjects(value, finding.At("objects"))
	for _, err := range errs {
		if strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("does not fit on a line: %q", err.Error())
		}
	}
	if len(errs) > 0 {
		return
	}
	if len(objects) == 0 {
		t.Fatal("neither objects nor an error")
	}
	written := provider.SortAndWriteObjects(objects) // sorts
	class, errs := provider.ParseClassObjects(written)
	if diff := cmp.Diff(objects, class); diff != "" || len(errs) > 0 {
		t.Errorf("read from the class (-annotation +class): %v\n%s\n%s", errs, diff, written)
	}
	pasted, errs := provider.ParseObjects(written, nil)
	if diff := cmp.Diff(objects, pasted); diff != "" || len(errs) > 0 {
		t.Errorf("pasted from the class (-annotation +pasted): %v\n%s\n%s", errs, diff, written)
	}
	if again := provider.SortAndWriteObjects(class); again != written {
		t.Errorf("written again (-first +second):\n%s", cmp.Diff(written, again))
	}
	read := azprovider.Read(t, written)
	if len(read) != len(objects) {
		t.Fatalf("the provider reads %d of %d objects", len(read), len(objects))
	}
	for i, o := range objects {
		want := azprovider.Object{
			ObjectName: o.Name, ObjectAlias: o.Alias, ObjectVersion: o.Version, ObjectVersionHistory: o.VersionHistory,
			ObjectType: o.Type, ObjectFormat: o.Format, ObjectEncoding: o.Encoding, FilePermission: o.FilePermission,
		}
		if diff := cmp.Diff(want, read[i]); diff != "" {
			t.Errorf("read by the provider (-written +read):\n%s", diff)
		}
	}
}
