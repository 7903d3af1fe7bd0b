// Package azure stands in for the part of Azure that a workload needs to read a
// Key Vault: Microsoft Entra ID's token endpoint with workload identity
// federation, managed identities and role assignments, the vaults (package
// vault), and the DNS that leads there.
//
// The clients are the real ones, unchanged: the Azure SDKs and the Key Vault
// provider of the Secrets Store CSI driver use the real host names over TLS. So
// whoever starts a [Server] gives them its DNS server and its certificate
// authority, or, inside one process, its [Server.Transport].
//
// What a client can notice is as Azure documents it, errors above all: they are
// what a user sees, and what our program has to explain. A right, a federated
// credential or a vault that would be missing in Azure is missing here.
package azure
