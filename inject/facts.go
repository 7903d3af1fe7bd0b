package inject

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/provider"
)

// Facts are what a decision needs to know of the cluster. Request.Needs says
// which ones.
type Facts struct {
	// Namespace of the pod.
	Namespace *corev1.Namespace
	// ServiceAccounts by name. A nil value says that there is none of that name; a
	// missing key, that nobody looked.
	ServiceAccounts map[string]*corev1.ServiceAccount
	// Classes by name, with nil and missing as above.
	Classes map[string]*secretsstorev1.SecretProviderClass
	// CSIDriver is the Secrets Store CSI driver's object, nil if there is none or nobody
	// looked.
	CSIDriver *storagev1.CSIDriver
	// NoCSIDriver is set if somebody looked, and there is none.
	NoCSIDriver bool
	// Driver is what the driver's DaemonSet says of rotation, nil if it is not known.
	Driver *provider.Driver
	// NoClassCRD is set if the cluster does not know SecretProviderClasses.
	NoClassCRD bool
	// Vault is what vaults say of objects. Of one that is not among them nobody asked.
	Vault map[VaultObject]VaultAnswer
	// Now is the time; only what vaults say is held against it.
	Now time.Time
	// MountedBy are the names of the pods that mount the class that DecideClass,
	// DecideClassUpdate or DecideClassDeletion is about, and are not finished.
	MountedBy []string
}

// Needs names the facts that a decision asks for.
type Needs struct {
	ServiceAccounts []string
	Classes         []string
	// CSIDriver stands for the driver's DaemonSet too.
	CSIDriver bool
}
