// Package certificates gives akv-injector its serving certificate where nobody else does: a CA of its own, in one Secret, with
// which the leader signs certificates, and which it writes into the webhook configurations. Every replica serves what is in the Secret.
//
// The order is what keeps the API server's trust whole. A CA signs only when every webhook configuration has had it for a while, and it stays in
// them for a while when another one signs. So at each moment an API server trusts what each replica serves, whichever of the two hears of
// a change first.
package certificates
