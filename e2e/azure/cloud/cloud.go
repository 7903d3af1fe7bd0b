// Package cloud names Azure's clouds and their hosts: those of Entra ID and those of
// the vaults. Every service of the stand-in finds its own requests by them.
package cloud

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// Name is the name of an Azure cloud, as in the provider's cloudName parameter.
type Name string

// The clouds, which share no tenant, no vault and no host.
const (
	Public       Name = "AzurePublicCloud"
	USGovernment Name = "AzureUSGovernmentCloud"
	China        Name = "AzureChinaCloud"
	German       Name = "AzureGermanCloud"
)

// Hosts are the host names of one cloud.
type Hosts struct {
	// Login are the hosts of Entra ID; the first is the one that documents and
	// challenges name, the others are aliases of it.
	Login []string
	// VaultSuffix follows a vault's name and a dot, and QueueSuffix a storage account's.
	VaultSuffix, QueueSuffix string
}

var clouds = map[Name]Hosts{
	Public: {
		Login:       []string{"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"},
		VaultSuffix: "vault.azure.net", QueueSuffix: "queue.core.windows.net",
	},
	USGovernment: {
		Login:       []string{"login.microsoftonline.us", "login.usgovcloudapi.net"},
		VaultSuffix: "vault.usgovcloudapi.net", QueueSuffix: "queue.core.usgovcloudapi.net",
	},
	China: {
		Login:       []string{"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"},
		VaultSuffix: "vault.azure.cn", QueueSuffix: "queue.core.chinacloudapi.cn",
	},
	German: {
		Login:       []string{"login.microsoftonline.de"},
		VaultSuffix: "vault.microsoftazure.de", QueueSuffix: "queue.core.cloudapi.de",
	},
}

// Hosts returns the cloud's hosts, and reports whether there is such a cloud.
func (n Name) Hosts() (hosts Hosts, ok bool) {
	hosts, ok = clouds[n]
	return hosts, ok
}

// VaultSuffixes returns the suffixes of the vaults' host names in all clouds.
func VaultSuffixes() []string {
	all := make([]string, 0, len(clouds))
	for _, hosts := range clouds {
		all = append(all, hosts.VaultSuffix)
	}
	return all
}

// LoginEndpoint is the URL of the cloud's Entra ID.
func (h Hosts) LoginEndpoint() string { return "https://" + h.Login[0] }

// VaultAudience is the resource that tokens for the cloud's vaults are for.
func (h Hosts) VaultAudience() string { return "https://" + h.VaultSuffix }

// VaultURI is the address of a vault, as Azure writes it.
func (h Hosts) VaultURI(vault string) string {
	return fmt.Sprintf("https://%s.%s/", vault, h.VaultSuffix)
}

// VaultOf returns the vault that a host name of this cloud belongs to, and reports
// whether the host name is a vault's at all.
func (h Hosts) VaultOf(host string) (vault string, ok bool) {
	vault, ok = strings.CutSuffix(host, "."+h.VaultSuffix)
	return vault, ok && vault != "" && !strings.Contains(vault, ".")
}

// StorageAudience is the resource that tokens for storage are for, in every cloud.
const StorageAudience = "https://storage.azure.com"

// QueueURL is the address of a queue.
func (h Hosts) QueueURL(account, queue string) string {
	return fmt.Sprintf("https://%s.%s/%s", account, h.QueueSuffix, queue)
}

// AccountOf returns the storage account that a host name of this cloud belongs to, and reports
// whether the host name is one of queues at all.
func (h Hosts) AccountOf(host string) (account string, ok bool) {
	account, ok = strings.CutSuffix(host, "."+h.QueueSuffix)
	return account, ok && account != "" && !strings.Contains(account, ".")
}

// IsLogin reports whether a host is Entra ID of any cloud. All of them answer: a
// client with the wrong cloud in its settings reaches a real one, which does not know
// its tenant.
func IsLogin(host string) bool {
	for _, hosts := range clouds {
		if slices.Contains(hosts.Login, host) {
			return true
		}
	}
	return false
}

// HostOf returns the host that a request is for, in lower case and without the port.
func HostOf(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
