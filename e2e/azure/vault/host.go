package vault

import (
	"net"
	"strings"

	"akv-injector/e2e/azure/cloud"
)

// host is a request's Host header, parsed. Its zero value is no vault's. A vault
// answers in every cloud; whoever routes requests decides which of them reach it.
type host struct {
	vault  string // as written in the header, in lower case
	suffix string // of its cloud, such as "vault.azure.net"
	port   string // empty when the header has none
}

func parseHost(header string) host {
	h := host{}
	name := header
	if before, port, err := net.SplitHostPort(header); err == nil {
		name, h.port = before, port
	}
	name = strings.TrimSuffix(fold(name), ".")
	for _, suffix := range cloud.VaultSuffixes() {
		if label, ok := strings.CutSuffix(name, "."+suffix); ok && vaultNameOK(label) {
			h.vault, h.suffix = label, suffix
			return h
		}
	}
	return host{}
}

func (h host) dns() string { return h.vault + "." + h.suffix }

// authority is the host of links to following pages: Azure writes the port into
// them, though it is HTTPS's own.
func (h host) authority() string {
	if h.port == "" {
		return h.dns() + ":443"
	}
	return net.JoinHostPort(h.dns(), h.port)
}

// audience is the resource that tokens for the vault are for.
func (h host) audience() string { return "https://" + h.suffix }
