// Package azprovider reads a class's objects as the Azure provider 1.8.2 does, for tests
// that hold what we write against it.
package azprovider

import (
	"path"
	"strconv"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"
)

// Object is the Azure provider 1.8.2's types.KeyVaultObject.
type Object struct {
	ObjectName           string `yaml:"objectName"`
	ObjectAlias          string `yaml:"objectAlias"`
	ObjectVersion        string `yaml:"objectVersion"`
	ObjectVersionHistory int32  `yaml:"objectVersionHistory"`
	ObjectType           string `yaml:"objectType"`
	ObjectFormat         string `yaml:"objectFormat"`
	ObjectEncoding       string `yaml:"objectEncoding"`
	FilePermission       string `yaml:"filePermission"`
}

// Read reads an objects parameter as the provider does (provider.go,
// validate.go), and fails the test where it would fail the mount or write one file twice.
func Read(t *testing.T, text string) []Object {
	t.Helper()
	var list struct {
		Array []string `yaml:"array"`
	}
	if err := yaml.Unmarshal([]byte(strings.TrimSpace(text)), &list); err != nil {
		t.Fatalf("the provider cannot read %q: %v", text, err)
	}
	if len(list.Array) == 0 {
		t.Errorf("the provider finds no objects in %q", text)
	}
	var objects []Object
	files := map[string]bool{}
	for _, element := range list.Array {
		var o Object
		if err := yaml.Unmarshal([]byte(element), &o); err != nil {
			t.Fatalf("the provider cannot read %q: %v", element, err)
		}
		for _, s := range []*string{&o.ObjectName, &o.ObjectAlias, &o.ObjectVersion, &o.ObjectType, &o.ObjectFormat, &o.ObjectEncoding, &o.FilePermission} {
			*s = strings.TrimSpace(*s)
		}
		file := o.ObjectAlias
		if file == "" {
			file = o.ObjectName
		}
		secret := o.ObjectType == "secret"
		switch {
		case !secret && o.ObjectType != "key" && o.ObjectType != "cert":
			t.Errorf("type %q", o.ObjectType)
		case o.ObjectFormat != "" && o.ObjectFormat != "pem" && (o.ObjectFormat != "pfx" || !secret):
			t.Errorf("format %q of a %s", o.ObjectFormat, o.ObjectType)
		case o.ObjectEncoding != "" && (!secret || o.ObjectEncoding != "hex" && o.ObjectEncoding != "base64"):
			t.Errorf("encoding %q of a %s", o.ObjectEncoding, o.ObjectType)
		case file == "" || path.IsAbs(file) || strings.Contains(file, ".."):
			t.Errorf("file %q", file)
		case files[file]:
			t.Errorf("the file %q is written twice", file)
		}
		if _, err := strconv.ParseInt(o.FilePermission, 8, 32); o.FilePermission != "" && err != nil {
			t.Errorf("file permission %q", o.FilePermission)
		}
		files[file] = true
		objects = append(objects, o)
	}
	return objects
}
