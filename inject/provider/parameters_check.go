package provider

import (
	"regexp"
	"strconv"
	"strings"

	"akv-injector/inject/finding"
)

// providerVault is the provider's own check of a vault's name.
var providerVault = regexp.MustCompile(`^[-A-Za-z0-9]{3,24}$`)

// classErrors checks a class's parameters against the Azure provider's contract. The rule
// identity-mode reports errors of the identity.
func classErrors(parameters map[string]string, fldPath *finding.Place) finding.FieldErrors {
	objects, _, errs := ReadObjects(parameters[ParamObjects], fldPath.Child(ParamObjects))
	return ParameterErrors(parameters, objects, errs, fldPath)
}

// ParameterErrors is classErrors for objects that have been parsed already.
func ParameterErrors(parameters map[string]string, objects []Object, objectErrs finding.FieldErrors, fldPath *finding.Place) finding.FieldErrors {
	var errs finding.FieldErrors
	value := func(key string) string { return strings.TrimSpace(parameters[key]) }

	switch vault := value(ParamVault); {
	case vault == "":
		errs = append(errs, finding.Missing(fldPath.Child(ParamVault), "name the Key Vault"))
	case vaultAddressProblem(vault).Found():
		errs = append(errs, finding.Invalid(fldPath.Child(ParamVault), vault, vaultAddressProblem(vault)))
	case !providerVault.MatchString(vault):
		errs = append(errs, finding.Invalid(fldPath.Child(ParamVault), vault, finding.Problem{What: "not a vault's name, which has 3 to 24 letters, digits and hyphens", Fix: "write the name alone, without https:// and .vault.azure.net"}))
	}
	if value(ParamTenant) == "" && value(ParamTenantOld) == "" {
		errs = append(errs, finding.Missing(fldPath.Child(ParamTenant), "name the vault's tenant"))
	}
	for _, key := range []string{ParamTenant, ParamTenantOld} {
		if tenant := value(key); tenant != "" && TenantProblem(tenant).Found() {
			errs = append(errs, finding.Invalid(fldPath.Child(key), tenant, TenantProblem(tenant)))
		}
	}
	if cloud := value(ParamCloud); cloud != "" && CloudProblem(cloud).Found() && (value(ParamCloudFile) == "" || !strings.EqualFold(cloud, stackCloud)) {
		errs = append(errs, finding.Invalid(fldPath.Child(ParamCloud), cloud, CloudProblem(cloud)))
	}
	errs = append(errs, identityErrors(value, fldPath)...)
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
		errs = append(errs, finding.Forbidden(fldPath, finding.Problem{What: "more than one kind of identity is set", Fix: "set only one of usePodIdentity, useVMManagedIdentity and useAzureTokenProxy to \"true\""}))
	}
	if value(ParamObjects) == "" {
		return append(errs, finding.Missing(fldPath.Child(ParamObjects), "list the objects"))
	}
	errs = append(errs, objectErrs...)
	if len(objects)+len(objectErrs) == 0 {
		errs = append(errs, finding.Invalid(fldPath.Child(ParamObjects), value(ParamObjects), finding.Problem{What: "names no objects, and the driver fails the mount with \"missing object versions\"", Fix: "list them under array:"}))
	}
	return append(errs, classClashes(objects, fldPath.Child(ParamObjects))...)
}

// stackCloud is the one cloud whose hosts the provider reads from cloudEnvFileName
// (go-autorest, EnvironmentFromName).
const stackCloud = "AzureStackCloud"

// identityErrors are about ids that name no identity: Entra ID, or the node's metadata service, refuses them.
func identityErrors(value func(key string) string, fldPath *finding.Place) finding.FieldErrors {
	var errs finding.FieldErrors
	on := func(key string) bool { b, err := strconv.ParseBool(value(key)); return err == nil && b }
	if id := value(ParamClient); id != "" && !on(ParamVMIdentity) && !on(ParamPodIdentity) && ClientIDProblem(id).Found() {
		errs = append(errs, finding.Invalid(fldPath.Child(ParamClient), id, ClientIDProblem(id)))
	}
	if id := value(ParamUserAssignedID); id != "" && on(ParamVMIdentity) && ClientIDProblem(id).Found() {
		errs = append(errs, finding.Invalid(fldPath.Child(ParamUserAssignedID), id, ClientIDProblem(id)))
	}
	return errs
}
