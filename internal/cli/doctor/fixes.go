package doctor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"akv-injector/inject"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// fixing is what a command that mends something is made of.
type fixing struct {
	namespace string
	// issuer is empty if it could not be asked; the command has a place for it then.
	issuer string
	use    *inject.Use
}

// fixing is what is known of an object that the target reads: the one that some words name, or the first.
func (p *Patient) fixing(ctx context.Context, words string) *fixing {
	uses, err := p.uses(ctx)
	if err != nil || len(uses) == 0 {
		return nil // the generic fix is printed
	}
	return p.fixingOf(ctx, useIn(uses, words))
}

func (p *Patient) fixingOf(ctx context.Context, u *inject.Use) *fixing {
	issuer, err := p.Issuer(ctx)
	if err != nil {
		issuer = ""
	}
	return &fixing{namespace: p.Namespace, issuer: issuer, use: u}
}

// objectIn are the provider's words for an object.
var objectIn = regexp.MustCompile(`objectType: ?"?(\w+)"?, objectName: ?"?([A-Za-z0-9-]+)"?`)

// useIn is the object that words name, or else the first.
func useIn(uses []inject.Use, words string) *inject.Use {
	lower := strings.ToLower(words)
	best, most := 0, -1
	for i := range uses {
		u, score := &uses[i], 0
		if strings.Contains(lower, strings.ToLower(u.Vault)+".") {
			score++
		}
		if m := objectIn.FindStringSubmatch(words); m != nil && strings.EqualFold(m[1], u.Object.Type) && strings.EqualFold(m[2], u.Object.Name) {
			score += 2
		}
		if score > most {
			best, most = i, score
		}
	}
	return &uses[best]
}

// Formats of commands. $IDENTITY and $GROUP are an identity's, which az looks up by its client id; $NAMED is its federated credential for the
// account, and $VAULT the id of the vault.
const (
	federateFormat = "az identity federated-credential create -g $GROUP --identity-name $IDENTITY -n {credential} --issuer {issuer} --subject {subject} --audiences " + provider.TokenAudience
	audienceFormat = "az identity federated-credential update -g $GROUP --identity-name $IDENTITY -n $NAMED --issuer {issuer} --subject {subject} --audiences " + provider.TokenAudience
	roleFormat     = "az role assignment create --role {role} --assignee {client} --scope $VAULT/{collection}/{object}"
	enableFormat   = "az keyvault {kind} set-attributes --vault-name {vault} -n {object} --enabled true"
	recoverFormat  = "az keyvault {kind} recover --vault-name {vault} -n {object}"
	namesFormat    = "az keyvault {kind} list --vault-name {vault} --query [].name -o tsv"
)

// command writes a command of a format.
func (f *fixing) command(format string) string {
	access := provider.AccessTo(f.use.Object.Type)
	values := text.Values{
		"issuer": f.issuer, "client": f.use.Identity.ClientID, "vault": f.use.Vault, "object": f.use.Object.Name,
		"kind": strings.TrimSuffix(access.Collection, "s"), "collection": access.Collection, "role": access.RoleID,
		"credential": credentialName(f.namespace, f.use.Identity.Account, f.issuer), "subject": f.subject(),
	}
	asked := func(format string) string { return `"$(` + text.Command(format, values) + `)"` }
	const identity = "az identity list -o tsv --query [?clientId=='{client}']."
	// No value has a $: what is replaced is the format's own.
	named := strings.NewReplacer(`"$IDENTITY"`, asked(identity+"name"), `"$GROUP"`, asked(identity+"resourceGroup"))
	return strings.NewReplacer(
		`"$IDENTITY"`, asked(identity+"name"), `"$GROUP"`, asked(identity+"resourceGroup"),
		`"$VAULT"`, asked("az keyvault show -n {vault} --query id -o tsv"),
		`"$NAMED"`, named.Replace(asked("az identity federated-credential list -g $GROUP --identity-name $IDENTITY -o tsv --query [?subject=='{subject}'].name")),
	).Replace(text.Command(format, values))
}

func (f *fixing) subject() string {
	return "system:serviceaccount:" + f.namespace + ":" + f.use.Identity.Account
}

// recovered recovers an object, or, if there is none to recover, shows which there are: the name may be wrong.
func (f *fixing) recovered() string {
	return f.command(recoverFormat) + " || " + f.command(namesFormat)
}

// allow lets the account use the identity of a binding.
func (f *fixing) allow() string {
	values := text.Values{"role": credentialName(f.namespace, f.use.Identity.Account, f.use.Identity.ClientID), "client": f.use.Identity.ClientID, "account": f.use.Identity.Account, "namespace": f.namespace}
	return "printf '" + provider.BindingRoleFormat + "' " + text.Command("{role} {client} {role} {role} {account} {namespace}", values) + " | kubectl apply -f -"
}

// credentialName is a name for a federated credential: the same account of the same cluster has the same.
func credentialName(namespace, account, issuer string) string {
	const most, digits = 100, 6
	readable := strings.ReplaceAll(namespace+"-"+account, ".", "-")
	sum := sha256.Sum256([]byte(strings.Join([]string{namespace, account, issuer}, "\x00")))
	return readable[:min(len(readable), most)] + "-" + hex.EncodeToString(sum[:])[:digits]
}
