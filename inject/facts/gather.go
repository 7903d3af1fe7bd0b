package facts

import (
	"context"
	"errors"
	"maps"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
)

// Source looks up objects of one namespace, and of its cluster. It returns nil without an
// error for an object that does not exist, ErrUnknown if it cannot determine whether the
// object exists, and any other error if the lookup failed.
type Source interface {
	ServiceAccount(ctx context.Context, name string) (*corev1.ServiceAccount, error)
	// Class may return ErrNoClassCRD.
	Class(ctx context.Context, name string) (*secretsstorev1.SecretProviderClass, error)
	// SyncedBy returns, for each of the Secrets, the classes that sync it, sorted. It returns
	// ErrUnknown, or leaves a name out, where that is not known.
	SyncedBy(ctx context.Context, secrets []string) (map[string][]string, error)
	CSIDriver(ctx context.Context) (*storagev1.CSIDriver, error)
	// MayUse returns whether an account may use an identity through a binding.
	MayUse(ctx context.Context, use Use) (Permission, error)
	// Calls returns how many calls the pods in the cluster have made to a vault each time.
	Calls(ctx context.Context, vault VaultRef) (int, error)
	// Driver returns the flags of the driver's DaemonSet, nil if they are not known.
	Driver(ctx context.Context) (*provider.Driver, error)
}

var (
	// ErrUnknown means that it is not known whether an object exists.
	ErrUnknown = errors.New("not known")
	// ErrNoClassCRD means that the cluster has no CRD for SecretProviderClasses.
	ErrNoClassCRD = errors.New("the cluster does not know SecretProviderClasses")
)

// Gather looks up what a decision about an object in a namespace needs. The namespace is
// nil if it is not known.
func Gather(ctx context.Context, s Source, ns *corev1.Namespace, needs Needs) (Facts, error) {
	f := Facts{Namespace: ns}
	err := f.Add(ctx, s, needs)
	return f, err
}

// Add looks up the needed facts that have not been looked up yet. It adds to the maps of f
// if they exist.
func (f *Facts) Add(ctx context.Context, s Source, needs Needs) error {
	if f.ServiceAccounts == nil {
		f.ServiceAccounts = map[string]*corev1.ServiceAccount{}
	}
	if f.Classes == nil {
		f.Classes = map[string]*Class{}
	}
	for _, name := range needs.ServiceAccounts {
		if _, known := f.ServiceAccounts[name]; known {
			continue
		}
		account, err := s.ServiceAccount(ctx, name)
		switch {
		case errors.Is(err, ErrUnknown):
			continue
		case err != nil:
			return err
		}
		f.ServiceAccounts[name] = account
	}
	for _, name := range needs.Classes {
		if err := f.addClass(ctx, s, name); err != nil {
			return err
		}
	}
	if err := f.addSyncedBy(ctx, s, needs.Secrets); err != nil {
		return err
	}
	if err := f.addCalls(ctx, s, needs.Vaults); err != nil {
		return err
	}
	if err := f.addUses(ctx, s, needs); err != nil {
		return err
	}
	if needs.CSIDriver && f.CSIDriver == nil && !f.NoCSIDriver {
		return f.addDriver(ctx, s)
	}
	return nil
}

// addClass looks up a class, unless the cluster has no CRD for classes.
func (f *Facts) addClass(ctx context.Context, s Source, name string) error {
	if _, known := f.Classes[name]; known || f.NoClassCRD || f.TooLarge {
		return nil
	}
	class, err := s.Class(ctx, name)
	switch {
	case errors.Is(err, ErrUnknown):
		return nil
	case errors.Is(err, ErrNoClassCRD):
		f.NoClassCRD = true
		return nil
	case err != nil:
		return err
	}
	if class != nil {
		if f.read += SizeOf(class); f.read > MaxRead {
			f.TooLarge = true
			return nil
		}
	}
	f.Classes[name] = NewClass(class)
	return nil
}

func (f *Facts) addSyncedBy(ctx context.Context, s Source, secrets []string) error {
	var unknown []string
	for _, name := range secrets {
		if _, known := f.SyncedBy[name]; !known {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 || f.NoClassCRD {
		return nil
	}
	by, err := s.SyncedBy(ctx, unknown)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if f.SyncedBy == nil {
		f.SyncedBy = make(map[string][]string, len(by))
	}
	maps.Copy(f.SyncedBy, by)
	return err
}

func (f *Facts) addCalls(ctx context.Context, s Source, vaults []VaultRef) error {
	for _, vault := range vaults {
		if _, known := f.Calls[vault]; known {
			continue
		}
		calls, err := s.Calls(ctx, vault)
		switch {
		case errors.Is(err, ErrUnknown):
			continue
		case err != nil:
			return err
		}
		if f.Calls == nil {
			f.Calls = map[VaultRef]int{}
		}
		f.Calls[vault] = calls
	}
	return nil
}

func (f *Facts) addDriver(ctx context.Context, s Source) error {
	object, err := s.CSIDriver(ctx)
	unknown := errors.Is(err, ErrUnknown)
	if err != nil && !unknown {
		return err
	}
	driver, err := s.Driver(ctx)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return err
	}
	f.Driver, f.CSIDriver = driver, object
	f.NoCSIDriver = object == nil && !unknown
	return nil
}

// Without is the facts without those to look up again, and without the vaults' answers: the
// next decision queries vaults for its own objects.
func (f *Facts) Without(l finding.Lookups) Facts {
	left := *f
	left.Vault = nil
	if l&finding.Namespace != 0 {
		left.Namespace = nil
	}
	if l&finding.ServiceAccounts != 0 {
		left.ServiceAccounts = nil
	}
	if l&finding.Classes != 0 {
		left.Classes, left.SyncedBy, left.NoClassCRD, left.TooLarge, left.read = nil, nil, false, false, 0
	}
	if l&finding.Driver != 0 {
		left.CSIDriver, left.NoCSIDriver, left.Driver = nil, false, nil
	}
	return left
}
