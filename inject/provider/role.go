package provider

// Access is how objects of a type are found in Azure, and the least of its built-in roles with which the provider 1.8.2 reads them: it gets
// secrets, the public part of keys, and certificates.
// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/security
type Access struct {
	// Collection is the part of a resource id before the object's name.
	Collection string
	// Role and its id, which is the same in every tenant.
	Role, RoleID string
	// Action on data that a role must allow.
	Action string
}

// AccessTo is the access to objects of a type; the zero value for a type that there is not.
func AccessTo(objectType string) Access { return accesses[objectType] }

var accesses = map[string]Access{
	TypeSecret: {"secrets", "Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6", "Microsoft.KeyVault/vaults/secrets/getSecret/action"},
	TypeKey:    {"keys", "Key Vault Crypto User", "12338af0-0e69-4776-bea7-57ae8d297424", "Microsoft.KeyVault/vaults/keys/read"},
	TypeCert:   {"certificates", "Key Vault Certificate User", "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", "Microsoft.KeyVault/vaults/certificates/read"},
}
