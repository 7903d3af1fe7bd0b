package inject

import (
	"regexp"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"akv-injector/inject/finding"
)

// providerVault is the provider's own check of a vault's name.
var providerVault = regexp.MustCompile(`^[-A-Za-z0-9]{3,24}$`)

// classErrors holds a class's parameters against the Azure provider's contract. The
// identity's own mistakes are the rule identity-mode's.
func classErrors(parameters map[string]string, fldPath *finding.Place) finding.FieldErrors {
	objects, errs := parseClassObjects(parameters[paramObjects], fldPath.Child(paramObjects))
	return parameterErrors(parameters, objects, errs, fldPath)
}

// parameterErrors is classErrors where the objects have been parsed.
func parameterErrors(parameters map[string]string, objects []Object, objectErrs finding.FieldErrors, fldPath *finding.Place) finding.FieldErrors {
	var errs finding.FieldErrors
	value := func(key string) string { return strings.TrimSpace(parameters[key]) }

	switch vault := value(ParamVault); {
	case vault == "":
		errs = append(errs, finding.Missing(fldPath.Child(ParamVault), "name the Key Vault"))
	case !providerVault.MatchString(vault):
		errs = append(errs, finding.Invalid(fldPath.Child(ParamVault), vault, finding.Problem{What: "not a vault's name, which has 3 to 24 letters, digits and hyphens", Fix: "write the name alone, without https:// and .vault.azure.net"}))
	}
	if value(ParamTenant) == "" && value(ParamTenantOld) == "" {
		errs = append(errs, finding.Missing(fldPath.Child(ParamTenant), "name the vault's tenant"))
	}
	if cloud := value(ParamCloud); cloud != "" && ValidateCloud(cloud).Found() && value(ParamCloudFile) == "" {
		errs = append(errs, finding.Invalid(fldPath.Child(ParamCloud), cloud, ValidateCloud(cloud)))
	}
	modes := 0
	for _, key := range []string{ParamPodIdentity, ParamVMIdentity, ParamTokenProxy} {
		raw := value(key)
		if raw == "" {
			continue
		}
		on, err := strconv.ParseBool(raw)
		if err != nil {
			errs = append(errs, finding.Invalid(fldPath.Child(key), raw, finding.Problem{What: `neither "true" nor "false"`, Fix: `write one of the two`}))
		}
		if on {
			modes++
		}
	}
	if on, err := strconv.ParseBool(value(ParamTokenProxy)); err == nil && on && value(ParamClient) == "" {
		errs = append(errs, finding.Missing(fldPath.Child(ParamClient), "set clientID, which useAzureTokenProxy needs, to the client id of a managed identity"))
	}
	if modes > 1 {
		errs = append(errs, finding.Forbidden(fldPath, finding.Problem{What: "more than one kind of identity is asked for", Fix: "set only one of usePodIdentity, useVMManagedIdentity and useAzureTokenProxy to \"true\""}))
	}
	if value(paramObjects) == "" {
		return append(errs, finding.Missing(fldPath.Child(paramObjects), "list the objects"))
	}
	errs = append(errs, objectErrs...)
	if len(objects)+len(objectErrs) == 0 {
		errs = append(errs, finding.Invalid(fldPath.Child(paramObjects), value(paramObjects), finding.Problem{What: "names no objects, and the driver fails the mount with \"missing object versions\"", Fix: "list them under array:"}))
	}
	return append(errs, fileClashes(objects, fldPath.Child(paramObjects))...)
}

// parseClassObjects is readClassObjects for those who need no places.
func parseClassObjects(yamlText string, fldPath *finding.Place) ([]Object, finding.FieldErrors) {
	objects, _, errs := readClassObjects(yamlText, fldPath)
	return objects, errs
}

// readClassObjects reads the objects parameter as the provider 1.8.2 does: the same
// YAML library, the same two steps, fields that it does not know ignored. Elements that
// are maps are an error, as they are there. With each object comes its index in the array.
func readClassObjects(yamlText string, fldPath *finding.Place) (objects []Object, at []int, errs finding.FieldErrors) {
	var list struct {
		Array []yaml.Node `yaml:"array"`
	}
	if err := yaml.Unmarshal([]byte(strings.TrimSpace(yamlText)), &list); err != nil {
		return nil, nil, finding.FieldErrors{finding.Invalid(fldPath, yamlText, finding.Problem{
			What: "not the provider's YAML (" + yamlProblem(err) + ")",
			Fix:  "write array: and under it a list, in which each element begins with \"- |\"",
		})}
	}
	for i := range list.Array {
		path := fldPath.Index(i)
		node := &list.Array[i]
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		if node.Kind != yaml.ScalarNode {
			errs = append(errs, finding.Malformed(path, finding.Problem{What: "not a string, where the provider wants one that holds YAML", Fix: "write \"- |\" and the fields below it"}))
			continue
		}
		o, objectErrs := parseClassObject(node.Value, path)
		errs = append(errs, objectErrs...)
		if o.Name != "" {
			objects, at = append(objects, o), append(at, i)
		}
	}
	return objects, at, errs
}

func parseClassObject(yamlText string, path *finding.Place) (Object, finding.FieldErrors) {
	var fields struct {
		Name       string `yaml:"objectName"`
		Alias      string `yaml:"objectAlias"`
		Version    string `yaml:"objectVersion"`
		History    int32  `yaml:"objectVersionHistory"`
		Type       string `yaml:"objectType"`
		Format     string `yaml:"objectFormat"`
		Encoding   string `yaml:"objectEncoding"`
		Permission string `yaml:"filePermission"`
	}
	if err := yaml.Unmarshal([]byte(yamlText), &fields); err != nil {
		return Object{}, finding.FieldErrors{finding.Invalid(path, yamlText, finding.Problem{
			What: "not the provider's YAML (" + yamlProblem(err) + ")",
			Fix:  "write a field and its value a line, such as objectName: DB-Password",
		})}
	}
	o := Object{
		Name:           strings.TrimSpace(fields.Name),
		Type:           strings.TrimSpace(fields.Type),
		Alias:          strings.TrimSpace(fields.Alias),
		Version:        strings.TrimSpace(fields.Version),
		VersionHistory: fields.History,
		Format:         strings.ToLower(strings.TrimSpace(fields.Format)),
		Encoding:       strings.ToLower(strings.TrimSpace(fields.Encoding)),
		FilePermission: strings.TrimSpace(fields.Permission),
	}
	var errs finding.FieldErrors
	if o.Type == "" {
		errs = append(errs, finding.Missing(path.Child("objectType"), "write secret, key or cert"))
	}
	errs = append(errs, o.validate(path)...)
	return o.canonical(), errs
}
