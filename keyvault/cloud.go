package keyvault

import (
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// hosts say where a cloud is found.
type hosts struct {
	// suffix is what stands behind a vault's name and a dot.
	suffix string
	// authority is Entra ID's.
	authority cloud.Configuration
}

var (
	publicHosts = &hosts{"vault.azure.net", cloud.AzurePublic}
	usGovHosts  = &hosts{"vault.usgovcloudapi.net", cloud.AzureGovernment}
	chinaHosts  = &hosts{"vault.azure.cn", cloud.AzureChina}
	germanHosts = &hosts{"vault.microsoftazure.de", cloud.Configuration{
		ActiveDirectoryAuthorityHost: "https://login.microsoftonline.de/",
		Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{},
	}}
)

// clouds are the cloudNames that the Azure provider 1.8.2 takes, in lower case, since it
// compares them without case. The empty name is the public cloud.
var clouds = map[string]*hosts{
	"":                       publicHosts,
	"azurepubliccloud":       publicHosts,
	"azurecloud":             publicHosts,
	"azureusgovernmentcloud": usGovHosts,
	"azureusgovernment":      usGovHosts,
	"azurechinacloud":        chinaHosts,
	"azuregermancloud":       germanHosts,
}

func hostsOf(cloudName string) (*hosts, bool) {
	if cloudName == "AzurePublicCloud" { // nearly always, and asked for at every object
		cloudName = ""
	}
	h, ok := clouds[strings.ToLower(cloudName)]
	return h, ok
}

// AuthorityHost is the URL of Entra ID in a cloud, by cloudName.
func AuthorityHost(cloudName string) (string, error) {
	h, ok := hostsOf(cloudName)
	if !ok {
		return "", fmt.Errorf("%q is not a cloud that is known here", cloudName)
	}
	return h.authority.ActiveDirectoryAuthorityHost, nil
}
