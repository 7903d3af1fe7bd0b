// Package signin tries what the driver does for a pod, from here: a token of its ServiceAccount, its exchange at Entra ID, and a list of an
// object's versions at the vault. It never reads a value.
package signin
