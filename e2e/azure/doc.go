// Package azure stands in for the part of Azure that a workload needs to read a
// Key Vault: Microsoft Entra ID's token endpoint with workload identity federation,
// managed identities and role assignments, the vaults, and the DNS that leads there.
//
// The clients are the real ones, unchanged: the Azure SDKs and the Key Vault
// provider of the Secrets Store CSI driver use the real host names over TLS. Whoever
// starts a [Server] gives them its DNS server and its certificate authority, or,
// inside one process, its [Server.Transport].
//
// What a client can notice is as Azure documents it, errors above all: users see them,
// and our program has to explain them. A right, a federated credential or a vault that
// would be missing in Azure is missing here.
//
// The parts are packages, and each imports only packages that stand below it:
//
//	cli       az, which calls the admin API; it does not import azure
//	azure     starts the parts and joins them
//	admin     the admin API: its server and its client
//	entra     Entra ID: tokens
//	arm       Resource Manager: identities, vaults as resources, role assignments
//	vault     Key Vault: secrets, keys and certificates
//	front     the HTTPS listener and the certificates of all hosts
//	dns       the DNS server
//	faults    what the services do wrong on purpose
//	cloud     Azure's clouds and their hosts
//
// The vaults know neither Entra ID nor roles, and Entra ID knows no vault: a [Server]
// hands the vaults its functions. A vault exists twice, as a resource and as a service,
// and [Server.CreateVault] keeps both alike. Package issuertest is for tests: the token
// issuer of a cluster.
package azure
