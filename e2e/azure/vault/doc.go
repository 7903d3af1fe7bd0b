// Package vault is the data plane of a stand-in for Azure Key Vault: what the
// unchanged SDK clients and the Secrets Store CSI driver's Azure provider talk
// to. One [Service] is every vault, told apart by the Host header. Who may do
// what is decided outside, by the two functions of [Config].
//
// Answers have Azure's shapes and, where a client's user gets to see them,
// Azure's words, taken from its documentation and from the recordings of its
// SDKs. What Azure does on a get is worth knowing, because the words of its
// attributes promise more than they hold:
//
//   - A disabled secret is refused: 403, SecretDisabled. Only its value is: it is
//     listed, and its attributes can be changed.
//   - A disabled key or certificate is still given. Both are public; Azure
//     withholds the private part, which for a certificate is the secret of the
//     same name. Disabling a certificate disables that secret and key.
//   - nbf and exp stop no get. For secrets and certificates they inform; for keys
//     they rule sign, encrypt and wrap, which the stand-in does not offer. So an
//     expired secret goes on being mounted.
//   - The newest version is the one created last, even when it is disabled: Azure
//     never falls back to an older one.
//   - A deleted object keeps its name until it is purged.
//
// It differs from Azure in these things, on purpose:
//
//   - Versions are listed newest first. Azure lists them by their random ids, and
//     times them by the second; a client that wants the newest must sort either
//     way, but with two versions of one second only the stand-in's order tells
//     them apart.
//   - Deleting, recovering and creating a certificate are done when the answer is
//     sent; Azure takes some seconds, and answers 404 or 409 meanwhile.
//   - Nothing is purged by the passing of time.
//   - There is no cryptography (sign, wrapKey), backup, import or rotation of a
//     key, and there are no issuers, contacts or storage accounts: such a request
//     is answered 400 and says so.
package vault
