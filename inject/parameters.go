package inject

import "strings"

// The Azure provider's class parameters (v1.8.2, pkg/provider/types).
const (
	ParamVault           = "keyvaultName"
	ParamTenant          = "tenantID"
	ParamTenantOld       = "tenantId"
	ParamClient          = "clientID"
	ParamCloud           = "cloudName"
	ParamCloudFile       = "cloudEnvFileName"
	ParamPodIdentity     = "usePodIdentity"
	ParamVMIdentity      = "useVMManagedIdentity"
	ParamTokenProxy      = "useAzureTokenProxy"
	paramUserAssignedID  = "userAssignedIdentityID"
	paramObjects         = "objects"
	parametersPodContext = "csi.storage.k8s.io/"
)

// generate makes the class of one vault. Nothing in it depends on the namespace, the
// pod or the order in which objects were written.
func generate(m MountRequest, clientID, tenantID, cloud string) Class {
	return newClass(map[string]string{
		ParamPodIdentity: "false",
		ParamVault:       m.Vault,
		ParamClient:      strings.ToLower(clientID),
		ParamTenant:      strings.ToLower(tenantID),
		ParamCloud:       canonicalCloud(cloud),
		paramObjects:     writeObjects(m.Objects),
	})
}

// writeObjects writes the provider's form: YAML in which each element of array is
// itself a string of YAML. Elements that are maps fail at mount time.
func writeObjects(objects []Object) string {
	var b strings.Builder
	b.WriteString("array:\n")
	for _, o := range objects {
		b.WriteString("  - |\n")
		o.write(&b, "    ")
	}
	return b.String()
}
