// Package status reports, for each pod and Key Vault object, which version is mounted, which
// is the newest in the vault, and why the two differ where they do.
//
// Read gathers what the cluster says, Facts.Mounts makes of it one mount an object, Vaults
// asks what the vaults hold, and Judge puts the two together. Only Read and Vaults reach
// out; neither reads a secret's value.
package status
