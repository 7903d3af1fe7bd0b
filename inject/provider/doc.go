// Package provider implements the contract of the Secrets Store CSI driver, of its Azure
// provider and of Key Vault: objects, class parameters, classes named by their content,
// names, and the driver's flags. Comments note what these accept and what they silently get
// wrong, with the version whose source was read.
package provider
