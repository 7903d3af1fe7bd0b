package admin

import (
	"fmt"
	"strings"
	"time"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
)

// Object is a secret, key or certificate as az prints it.
type Object struct {
	Attributes  ObjectAttributes  `json:"attributes"`
	ContentType *string           `json:"contentType"`
	ID          string            `json:"id"`
	Managed     *bool             `json:"managed"`
	Name        string            `json:"name"`
	Tags        map[string]string `json:"tags"`
	// Value is the value of a secret, if it was asked for.
	Value *string `json:"value,omitempty"`
}

// ObjectAttributes are the metadata of an [Object].
type ObjectAttributes struct {
	Created       time.Time  `json:"created"`
	Enabled       bool       `json:"enabled"`
	Expires       *time.Time `json:"expires"`
	NotBefore     *time.Time `json:"notBefore"`
	RecoveryLevel string     `json:"recoveryLevel"`
	Updated       time.Time  `json:"updated"`
}

// Version is the last part of the id, empty in a list of objects.
func (o Object) Version() string {
	parts := strings.Split(strings.TrimPrefix(o.ID, "https://"), "/") // host, kind, name, version
	if len(parts) < 4 {
		return ""
	}
	return parts[3]
}

// object describes a version of an object. az gives an id without the version in
// lists of objects.
func (a *API) object(vaultName string, o vault.Object, withVersion bool) Object {
	made := Object{
		Attributes: ObjectAttributes{
			Created: o.Created, Enabled: o.Enabled, Expires: o.Expires, NotBefore: o.NotBefore,
			RecoveryLevel: "Recoverable+Purgeable", Updated: o.Updated,
		},
		ID:   fmt.Sprintf("%s%s/%s", a.Server.VaultURL(vaultName), o.Kind, o.Name),
		Name: o.Name,
		Tags: o.Tags,
	}
	if o.ContentType != "" {
		made.ContentType = &o.ContentType
	}
	if o.Managed {
		made.Managed = &o.Managed
	}
	if withVersion {
		made.ID += "/" + o.Version
	}
	return made
}

func (a *API) objects(vaultName string, found []vault.Object, withVersions bool) []Object {
	all := make([]Object, 0, len(found))
	for _, o := range found {
		all = append(all, a.object(vaultName, o, withVersions))
	}
	return all
}

// version describes one version of an object; the empty one is the newest.
func (a *API) version(vaultName string, kind vault.Kind, name, version string) (Object, error) {
	found, err := a.Vaults.Versions(vaultName, kind, name)
	if err != nil {
		return Object{}, err
	}
	for _, o := range found { // the newest first
		if version == "" || o.Version == version {
			return a.object(vaultName, o, true), nil
		}
	}
	return Object{}, arm.NotFound("A %s with (name/id) %s/%s was not found in this key vault.", kind, name, version)
}

// secret describes a version of a secret, with its value.
func (a *API) secret(vaultName, name, version string) (Object, error) {
	found, err := a.version(vaultName, vault.Secret, name, version)
	if err != nil {
		return Object{}, err
	}
	value, err := a.Vaults.SecretValue(vaultName, name, found.Version())
	found.Value = &value
	return found, err
}
