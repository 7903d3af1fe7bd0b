// Package provider has the contract of the Secrets Store CSI driver, of its Azure provider
// and of Key Vault: objects, class parameters, classes named by their content, names, and
// the driver's flags. What they accept, and what they silently get wrong, stands here with
// the version in which it was read.
package provider
