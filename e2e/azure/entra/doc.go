// Package entra stands in for Microsoft Entra ID: the token endpoint with workload
// identity federation, its discovery documents, and the access tokens that it signs.
//
// A workload sends an assertion, which is its pod's service account token. Entra ID
// checks it against the federated credentials in the subscription and against the
// issuer's published keys, and answers with an access token for Key Vault, or refuses
// with the AADSTS code and text that Azure documents.
package entra
