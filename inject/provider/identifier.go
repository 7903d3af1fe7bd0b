package provider

import (
	"net/url"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// identifierProblem is the problem of a value that is an object's or a vault's address, as the portal shows it, if it is
// one: https://VAULT.vault.azure.net/secrets/NAME/VERSION.
func identifierProblem(value string, fix func(vault, objectType, name string) string) finding.Problem {
	if !strings.Contains(value, "://") && !strings.Contains(value, ".vault.") {
		return finding.Problem{}
	}
	address := value
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return finding.Problem{}
	}
	vault, _, _ := strings.Cut(u.Hostname(), ".")
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	var objectType, name string
	if len(parts) >= 2 {
		objectType, name = strings.TrimSuffix(parts[0], "s"), parts[1]
		if objectType == "certificate" {
			objectType = TypeCert
		}
	}
	for _, part := range []string{vault, name} {
		if !text.IsName(part) {
			return finding.Problem{}
		}
	}
	return finding.Problem{What: "an address, of which only the name belongs here", Fix: fix(vault, objectType, name)}
}

// vaultAddressProblem is the problem of a vault that is named by its address.
func vaultAddressProblem(value string) finding.Problem {
	return identifierProblem(value, func(vault, _, _ string) string { return "write " + vault })
}

// objectAddressProblem is the problem of an object that is named by its address. Item is set for an annotation's list.
func objectAddressProblem(value string, item bool) finding.Problem {
	return identifierProblem(value, func(_, objectType, name string) string {
		switch {
		case name == "":
			return "write the name that the object has in the vault"
		case !slices.Contains([]string{TypeSecret, TypeKey, TypeCert}, objectType):
			return "write " + name
		case item && objectType == TypeSecret:
			return "write " + name + ": the vault is named apart, and without a version the newest is mounted"
		case item:
			return "write " + objectType + "/" + name + ": the vault is named apart, and without a version the newest is mounted"
		}
		return "write objectName: " + name + " and objectType: " + objectType + "; without objectVersion the newest is mounted"
	})
}

// UnknownField is a field of an object in a class that the provider does not have.
type UnknownField struct {
	Index int
	Name  string
}

// UnknownFields finds the fields of a class's objects that the provider 1.8.2 ignores. It is for objects that ReadObjects
// could read.
func UnknownFields(objects string) []UnknownField {
	if len(objects) > MaxObjectsText {
		return nil
	}
	var list struct {
		Array []string `yaml:"array"`
	}
	if yaml.Unmarshal([]byte(strings.TrimSpace(objects)), &list) != nil {
		return nil
	}
	var unknown []UnknownField
	for i, element := range list.Array {
		var root yaml.Node
		if yaml.Unmarshal([]byte(element), &root) != nil || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
			continue
		}
		fields := root.Content[0].Content
		for j := 0; j+1 < len(fields) && len(unknown) < maxErrors; j += 2 {
			if name := fields[j].Value; fields[j].Kind == yaml.ScalarNode && !slices.Contains(objectFields, name) {
				unknown = append(unknown, UnknownField{i, name})
			}
		}
	}
	return unknown
}

// ObjectFields are the fields that an object of a class can have.
func ObjectFields() []string { return slices.Clone(objectFields) }
