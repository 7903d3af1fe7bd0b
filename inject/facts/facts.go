// Package facts gathers and holds what a decision needs to know of the cluster and of vaults.
package facts

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"akv-injector/inject/provider"
)

// Facts are what a decision knows of the cluster and of vaults.
type Facts struct {
	// Namespace of the object, nil if it is not known.
	Namespace *corev1.Namespace
	// ServiceAccounts by name. A nil value means that there is none of that name; a
	// missing key, that this is not known.
	ServiceAccounts map[string]*corev1.ServiceAccount
	// Classes by name, with nil and missing as above.
	Classes map[string]*Class
	// SyncedBy has, by the name of a Secret, the names of the namespace's classes from which the
	// driver makes it, sorted. A missing key means that this is not known.
	SyncedBy map[string][]string
	// CSIDriver is the Secrets Store CSI driver's object, nil if there is none or it is
	// not known.
	CSIDriver *storagev1.CSIDriver
	// NoCSIDriver is set if it is known that there is none.
	NoCSIDriver bool
	// Driver has the flags of the driver's DaemonSet, nil if they are not known.
	Driver *provider.Driver
	// Uses are the permissions to use identities through bindings. A missing key means that it was not asked.
	Uses map[Use]Permission
	// Calls are those that the pods in the cluster have made to a vault each time that the driver asks for their volumes. A
	// missing key means that this is not known.
	Calls map[VaultRef]int
	// NoClassCRD is set if the cluster does not know SecretProviderClasses.
	NoClassCRD bool
	// Vault has the vaults' answers about objects. A missing object was not queried.
	Vault map[VaultObject]VaultAnswer
	// Now is the current time: the vaults' answers, and the ends of waivers, are compared with it.
	Now time.Time
	// MountedBy are the names of the unfinished pods that mount the class that the decision
	// is about.
	MountedBy []string
	// TooLarge is set if the classes together have more content than is read for one
	// decision. Those beyond it are missing.
	TooLarge bool

	// read is the size of the classes that were looked up.
	read int
}

// MaxRead is how much content of classes is read for one decision. A pod can name hundreds,
// each as large as etcd allows.
const MaxRead = 256 << 10

// Needs names the facts to look up for a decision.
type Needs struct {
	ServiceAccounts []string
	Classes         []string
	// Secrets that the driver may make.
	Secrets []string
	// CSIDriver includes the driver's DaemonSet.
	CSIDriver bool
	// Account is the one that the pod will run as.
	Account string
	// Vaults whose calls are to be counted.
	Vaults []VaultRef
	// Binding is set if a class may be generated that reaches its identity through a binding.
	Binding *Binding
}

// Binding is an identity that may be reached through an identity binding.
type Binding struct {
	// ClientID that the pod or its namespace names; empty is the account's.
	ClientID string
}

// VaultRef names a vault of a cloud, in lower case.
type VaultRef struct{ Cloud, Vault string }

// MarshalText lets facts be written as JSON, where keys of maps are text.
func (v VaultRef) MarshalText() ([]byte, error) { return []byte(v.Cloud + "/" + v.Vault), nil }
