package vault

import (
	"net"
	"strings"
)

// clouds are the suffixes of the vaults' host names, in Azure and in its
// sovereign clouds. A token's audience is https:// and the suffix.
var clouds = []string{"vault.azure.net", "vault.usgovcloudapi.net", "vault.azure.cn", "vault.microsoftazure.de"}

// host is a request's Host header, taken apart. Its zero value is no vault's.
type host struct {
	vault string // as written in the header, in lower case
	cloud string
	port  string // empty when the header has none
}

func parseHost(header string) host {
	h := host{}
	name := header
	if before, port, err := net.SplitHostPort(header); err == nil {
		name, h.port = before, port
	}
	name = strings.TrimSuffix(fold(name), ".")
	for _, cloud := range clouds {
		if label, ok := strings.CutSuffix(name, "."+cloud); ok && vaultNameOK(label) {
			h.vault, h.cloud = label, cloud
			return h
		}
	}
	return host{}
}

func (h host) dns() string { return h.vault + "." + h.cloud }

// authority is the host of links to following pages: Azure writes the port into
// them, though it is HTTPS's own.
func (h host) authority() string {
	if h.port == "" {
		return h.dns() + ":443"
	}
	return net.JoinHostPort(h.dns(), h.port)
}

func (h host) audience() string { return "https://" + h.cloud }
