// Package system runs the whole of what a rotated secret passes on its way into a
// container, on this machine and in a sandbox: a control plane, a node, the Secrets
// Store CSI driver with its provider for Azure Key Vault, the workload identity webhook,
// akv-injector, and a stand-in for Azure. All but the last are the real programs.
package system
