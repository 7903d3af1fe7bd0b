package arm

import "strings"

// role is a built-in role of Azure, with what it allows on the data in a vault or queue.
// What it allows on them as resources is not needed here.
type role struct {
	name, id    string
	dataActions []string // '*' stands for anything, slashes too
}

// roles are copied from Azure's documentation of built-in roles. To read a secret's
// value and to read its metadata are different rights, and the roles that manage
// vaults have neither: people often assign one of those by mistake.
var roles = []role{
	{"Key Vault Administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483", []string{
		"Microsoft.KeyVault/vaults/*",
	}},
	{"Key Vault Reader", "21090545-7ca7-4776-b22c-e363652d74d2", []string{
		"Microsoft.KeyVault/vaults/*/read",
		"Microsoft.KeyVault/vaults/secrets/readMetadata/action",
	}},
	{"Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6", []string{
		"Microsoft.KeyVault/vaults/secrets/getSecret/action",
		"Microsoft.KeyVault/vaults/secrets/readMetadata/action",
	}},
	{"Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", []string{
		"Microsoft.KeyVault/vaults/secrets/*",
	}},
	{"Key Vault Certificate User", "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", []string{
		"Microsoft.KeyVault/vaults/certificates/read",
		"Microsoft.KeyVault/vaults/secrets/getSecret/action",
		"Microsoft.KeyVault/vaults/secrets/readMetadata/action",
		"Microsoft.KeyVault/vaults/keys/read",
	}},
	{"Key Vault Certificates Officer", "a4417e6f-fecd-4de8-b567-7b0420556985", []string{
		"Microsoft.KeyVault/vaults/certificatecas/*",
		"Microsoft.KeyVault/vaults/certificates/*",
		"Microsoft.KeyVault/vaults/certificatecontacts/write",
	}},
	{"Key Vault Crypto User", "12338af0-0e69-4776-bea7-57ae8d297424", []string{
		"Microsoft.KeyVault/vaults/keys/read",
		"Microsoft.KeyVault/vaults/keys/update/action",
		"Microsoft.KeyVault/vaults/keys/backup/action",
		"Microsoft.KeyVault/vaults/keys/encrypt/action",
		"Microsoft.KeyVault/vaults/keys/decrypt/action",
		"Microsoft.KeyVault/vaults/keys/wrap/action",
		"Microsoft.KeyVault/vaults/keys/unwrap/action",
		"Microsoft.KeyVault/vaults/keys/sign/action",
		"Microsoft.KeyVault/vaults/keys/verify/action",
	}},
	{"Key Vault Crypto Officer", "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", []string{
		"Microsoft.KeyVault/vaults/keys/*",
		"Microsoft.KeyVault/vaults/keyrotationpolicies/*",
	}},
	{"Storage Queue Data Message Processor", "8a0f0c08-91a1-4084-bc3d-661d67233fed", []string{
		"Microsoft.Storage/storageAccounts/queueServices/queues/messages/read",
		"Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action",
	}},
	{"Storage Queue Data Reader", "19e7f393-937e-4f77-808e-94535e297925", []string{
		"Microsoft.Storage/storageAccounts/queueServices/queues/messages/read",
	}},
	{"Key Vault Contributor", "f25e0fa2-a7c8-4377-a976-54943a77a395", nil},
	{"Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", nil},
	{"Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c", nil},
	{"Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", nil},
}

// RoleDefinition is a role as az prints it, as far as it is about data.
type RoleDefinition struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	RoleName    string            `json:"roleName"`
	Permissions []RolePermissions `json:"permissions"`
}

// RolePermissions are the actions on data that a role allows.
type RolePermissions struct {
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
}

// RoleDefinitions are the roles of a name or id; all for the empty one.
func RoleDefinitions(nameOrID string) []RoleDefinition {
	found := []RoleDefinition{}
	for i := range roles {
		if r := &roles[i]; nameOrID == "" || strings.EqualFold(r.name, nameOrID) || strings.EqualFold(r.id, nameOrID) {
			found = append(found, RoleDefinition{
				ID: "/providers/Microsoft.Authorization/roleDefinitions/" + r.id, Name: r.id, RoleName: r.name,
				Permissions: []RolePermissions{{DataActions: append([]string{}, r.dataActions...), NotDataActions: []string{}}},
			})
		}
	}
	return found
}

// findRole finds a role by its name, its id, or its resource id.
func findRole(nameOrID string) (*role, error) {
	id := nameOrID[strings.LastIndex(nameOrID, "/")+1:]
	for i := range roles {
		if strings.EqualFold(roles[i].name, nameOrID) || strings.EqualFold(roles[i].id, id) {
			return &roles[i], nil
		}
	}
	return nil, BadRequest("Role '%s' doesn't exist.", nameOrID)
}

func (r *role) allows(action string) bool {
	for _, pattern := range r.dataActions {
		if matchAction(pattern, action) {
			return true
		}
	}
	return false
}

// matchAction reports whether an action fits a role's pattern; case does not matter.
func matchAction(pattern, action string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	rest, ok := strings.CutPrefix(strings.ToLower(action), parts[0])
	if !ok {
		return false
	}
	if len(parts) == 1 {
		return rest == ""
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, last)
}
