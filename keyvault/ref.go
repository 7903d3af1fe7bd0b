package keyvault

import (
	"errors"
	"fmt"
)

// Type is the kind of an object, spelt as objectType in a SecretProviderClass.
type Type string

// The kinds of objects.
const (
	Secret      Type = "secret"
	Key         Type = "key"
	Certificate Type = "cert"
)

// Ref names an object of a vault. Key Vault compares names without case.
type Ref struct {
	// Cloud is the Azure provider's cloudName; empty is the public cloud.
	Cloud string
	// Vault is the vault's name alone, without a host.
	Vault string
	Type  Type
	Name  string
}

// String is "secret/DB-Password in payments-kv".
func (r Ref) String() string { return fmt.Sprintf("%s/%s in %s", r.Type, r.Name, r.Vault) }

// These are Azure's rules for names. They also keep a name from being another host or path.

func objectNameOK(name string) bool { return len(name) >= 1 && len(name) <= 127 && plain(name) }

func vaultNameOK(name string) bool {
	return len(name) >= 3 && len(name) <= 24 && plain(name) && name[0] > '9' && name[len(name)-1] != '-'
}

// plain reports whether a text is letters, digits and hyphens alone.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-', '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z':
		default:
			return false
		}
	}
	return true
}

// Check refuses what cannot be asked: no vault could hold such an object.
func (r Ref) Check() error {
	if !objectNameOK(r.Name) {
		return errors.New("not an object's name, which has 1 to 127 letters, digits and hyphens")
	}
	return checkPlace(r.Cloud, r.Vault, r.Type)
}

func checkPlace(cloud, vault string, t Type) error {
	switch t {
	case Secret, Key, Certificate:
	default:
		return fmt.Errorf("%q is not an object's type; write %s, %s or %s", t, Secret, Key, Certificate)
	}
	if _, ok := hostsOf(cloud); !ok {
		return fmt.Errorf("%q is not a cloud that is known here; write AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud or AzureGermanCloud", cloud)
	}
	if !vaultNameOK(vault) {
		return errors.New("not a vault's name, which has 3 to 24 letters, digits and hyphens and begins with a letter")
	}
	return nil
}
