// Package facts has what a decision knows of the cluster and of vaults, and gathers it.
package facts

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"akv-injector/inject/provider"
)

// Facts are what a decision needs to know of the cluster. Needs says which ones.
type Facts struct {
	// Namespace of the object, nil if it is not known.
	Namespace *corev1.Namespace
	// ServiceAccounts by name. A nil value says that there is none of that name; a
	// missing key, that it is not known.
	ServiceAccounts map[string]*corev1.ServiceAccount
	// Classes by name, with nil and missing as above.
	Classes map[string]*Class
	// CSIDriver is the Secrets Store CSI driver's object, nil if there is none or it is
	// not known.
	CSIDriver *storagev1.CSIDriver
	// NoCSIDriver is set if it is known that there is none.
	NoCSIDriver bool
	// Driver is what the driver's DaemonSet says of rotation, nil if it is not known.
	Driver *provider.Driver
	// NoClassCRD is set if the cluster does not know SecretProviderClasses.
	NoClassCRD bool
	// Vault is what vaults say of objects. What is not among them was not asked.
	Vault map[VaultObject]VaultAnswer
	// Now is the time; only what vaults say is held against it.
	Now time.Time
	// MountedBy are the names of the pods that mount the class that the decision is about,
	// and are not finished.
	MountedBy []string
}

// Needs names the facts that a decision asks for.
type Needs struct {
	ServiceAccounts []string
	Classes         []string
	// CSIDriver stands for the driver's DaemonSet too.
	CSIDriver bool
}
