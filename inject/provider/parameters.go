package provider

import (
	"strconv"
	"strings"
)

// The Azure provider's class parameters (v1.8.2, pkg/provider/types).
const (
	ParamVault          = "keyvaultName"
	ParamTenant         = "tenantID"
	ParamTenantOld      = "tenantId"
	ParamClient         = "clientID"
	ParamCloud          = "cloudName"
	ParamCloudFile      = "cloudEnvFileName"
	ParamPodIdentity    = "usePodIdentity"
	ParamVMIdentity     = "useVMManagedIdentity"
	ParamTokenProxy     = "useAzureTokenProxy"
	ParamUserAssignedID = "userAssignedIdentityID"
	ParamObjects        = "objects"
	PodContextPrefix    = "csi.storage.k8s.io/"
)

// ClassParameters are the parameters of a class that decide what is mounted and with which
// identity.
func ClassParameters() []string {
	return []string{
		ParamVault, ParamTenant, ParamTenantOld, ParamClient, ParamCloud, ParamCloudFile, ParamPodIdentity,
		ParamVMIdentity, ParamTokenProxy, ParamUserAssignedID, ParamObjects,
	}
}

// IsOn reads a boolean parameter as the provider does. A value that is not a boolean is off
// here; AKV008 reports it.
func IsOn(parameters map[string]string, key string) bool {
	value := strings.TrimSpace(parameters[key])
	if value == "" {
		return false // without creating an error, which would be unused
	}
	on, err := strconv.ParseBool(value)
	return err == nil && on
}
