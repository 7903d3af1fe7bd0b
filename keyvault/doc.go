// Package keyvault asks Azure Key Vaults what they hold: which versions an object has,
// whether they are enabled, and from when until when they are valid. It reads metadata
// alone. Each call lists versions or names, for which the role Key Vault Reader is
// enough; none of them returns a value, whatever rights the identity has besides.
//
// It is made for a caller that cannot wait, an admission webhook above all. Answers are
// cached, equal questions are asked once, calls are limited in number and in time, and a
// vault that fails is left alone for a while. Whatever goes wrong is an [UnknownError]
// that says in a word why nothing is known: that a vault does not answer says nothing
// about the object.
package keyvault
