package azure

import (
	"fmt"
	"slices"
	"strings"
)

// Cloud names an Azure cloud as the provider's cloudName parameter does.
type Cloud string

// The clouds, which share no tenant, no vault and no host.
const (
	PublicCloud       Cloud = "AzurePublicCloud"
	USGovernmentCloud Cloud = "AzureUSGovernmentCloud"
	ChinaCloud        Cloud = "AzureChinaCloud"
	GermanCloud       Cloud = "AzureGermanCloud"
)

// cloudHosts is where a cloud is found.
type cloudHosts struct {
	// login are the hosts of Entra ID; the first is the one that documents and
	// challenges name, the others are aliases of it.
	login []string
	// vaultSuffix is what a vault's name is put before.
	vaultSuffix string
}

var clouds = map[Cloud]cloudHosts{
	PublicCloud: {
		login:       []string{"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"},
		vaultSuffix: "vault.azure.net",
	},
	USGovernmentCloud: {
		login:       []string{"login.microsoftonline.us", "login.usgovcloudapi.net"},
		vaultSuffix: "vault.usgovcloudapi.net",
	},
	ChinaCloud: {
		login:       []string{"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"},
		vaultSuffix: "vault.azure.cn",
	},
	GermanCloud: {
		login:       []string{"login.microsoftonline.de"},
		vaultSuffix: "vault.microsoftazure.de",
	},
}

// loginEndpoint is the URL of the cloud's Entra ID.
func (h cloudHosts) loginEndpoint() string { return "https://" + h.login[0] }

// vaultAudience is the resource that tokens for the cloud's vaults are for.
func (h cloudHosts) vaultAudience() string { return "https://" + h.vaultSuffix }

// vaultURI is the address of a vault, as Azure writes it.
func (h cloudHosts) vaultURI(vault string) string {
	return fmt.Sprintf("https://%s.%s/", vault, h.vaultSuffix)
}

// vaultOf gives the vault that a host name of this cloud is of.
func (h cloudHosts) vaultOf(host string) (vault string, ok bool) {
	vault, ok = strings.CutSuffix(host, "."+h.vaultSuffix)
	return vault, ok && vault != "" && !strings.Contains(vault, ".")
}

// isLogin says whether a host is Entra ID of any cloud. All of them answer, for a
// client that is told the wrong cloud reaches a real one, which does not know its
// tenant.
func isLogin(host string) bool {
	for _, hosts := range clouds {
		if slices.Contains(hosts.login, host) {
			return true
		}
	}
	return false
}
