package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormatObjects(t *testing.T) {
	for name, tc := range map[string]struct {
		objects []Object
		want    string
	}{
		"names alone": {
			objects: []Object{{Name: "DB-Password", Type: "secret"}, {Name: "api-key", Type: "secret"}},
			want:    "DB-Password, api-key",
		},
		"files and types": {
			objects: []Object{{Name: "frontend", Type: "cert", Alias: "tls/tls.pem"}, {Name: "signing", Type: "key"}},
			want:    "tls/tls.pem=cert/frontend, key/signing",
		},
		"many, one per line": {
			objects: []Object{
				{Name: "the-first-of-many-objects", Type: "secret"},
				{Name: "the-second-of-many-objects", Type: "secret"},
				{Name: "the-third-of-many-objects", Type: "secret"},
			},
			want: "the-first-of-many-objects\nthe-second-of-many-objects\nthe-third-of-many-objects\n",
		},
		"a mode needs the provider's fields": {
			objects: []Object{{Name: "a", Type: "secret", FilePermission: "0400"}, {Name: "b", Type: "secret"}},
			want: `- objectName: a
  objectType: secret
  filePermission: "0400"
- objectName: b
  objectType: secret
`,
		},
		"a version needs the provider's fields": {
			objects: []Object{{Name: "a", Type: "secret", Version: "0123"}},
			want: `- objectName: a
  objectType: secret
  objectVersion: "0123"
`,
		},
		"history, format and encoding": {
			objects: []Object{{Name: "a", Type: "secret", VersionHistory: 3, Format: "pfx", Encoding: "base64"}},
			want: `- objectName: a
  objectType: secret
  objectVersionHistory: 3
  objectFormat: pfx
  objectEncoding: base64
`,
		},
		"a file name that the list would cut": {
			objects: []Object{{Name: "a", Type: "secret", Alias: "x,y=z #1"}},
			want: `- objectName: a
  objectType: secret
  objectAlias: "x,y=z #1"
`,
		},
		"a list that looks like YAML": {
			objects: []Object{{Name: "a", Type: "secret", Alias: "- a"}},
			want: `- objectName: a
  objectType: secret
  objectAlias: "- a"
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := FormatObjects(tc.objects)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			back, errs := ParseObjects(got, nil)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			if diff := cmp.Diff(tc.objects, back); diff != "" {
				t.Errorf("read back (-want +got)\n%s", diff)
			}
		})
	}
}
