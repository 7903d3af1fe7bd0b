package keyvault

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// Only these six lists are ever asked for. None of their answers has room for a value,
// and the right to them is metadata's: secrets/readMetadata/action, keys/read,
// certificates/read.

// item is an element of a list: an object, or a version of one.
type item struct {
	name string
	Version
}

// pages gives a list, one call a page.
type pages func(ctx context.Context) (items []item, more bool, err error)

// versions lists the versions of an object.
func (c *clients) versions(t Type, name string) pages {
	switch t {
	case Key:
		return paged(c.keys.NewListKeyPropertiesVersionsPager(name, nil),
			func(r azkeys.ListKeyPropertiesVersionsResponse) []*azkeys.KeyProperties { return r.Value }, keyItem)
	case Certificate:
		return paged(c.certificates.NewListCertificatePropertiesVersionsPager(name, nil),
			func(r azcertificates.ListCertificatePropertiesVersionsResponse) []*azcertificates.CertificateProperties {
				return r.Value
			}, certificateItem)
	case Secret:
	}
	return paged(c.secrets.NewListSecretPropertiesVersionsPager(name, nil),
		func(r azsecrets.ListSecretPropertiesVersionsResponse) []*azsecrets.SecretProperties { return r.Value }, secretItem)
}

// objects lists the objects of a type.
func (c *clients) objects(t Type) pages {
	switch t {
	case Key:
		return paged(c.keys.NewListKeyPropertiesPager(nil),
			func(r azkeys.ListKeyPropertiesResponse) []*azkeys.KeyProperties { return r.Value }, keyItem)
	case Certificate:
		return paged(c.certificates.NewListCertificatePropertiesPager(nil),
			func(r azcertificates.ListCertificatePropertiesResponse) []*azcertificates.CertificateProperties {
				return r.Value
			}, certificateItem)
	case Secret:
	}
	return paged(c.secrets.NewListSecretPropertiesPager(nil),
		func(r azsecrets.ListSecretPropertiesResponse) []*azsecrets.SecretProperties { return r.Value }, secretItem)
}

func paged[R, P any](pager *runtime.Pager[R], values func(R) []*P, read func(*P) (item, error)) pages {
	return func(ctx context.Context) ([]item, bool, error) {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, false, err
		}
		var items []item
		for _, v := range values(page) {
			if v == nil {
				continue
			}
			i, err := read(v)
			if err != nil {
				return nil, false, err
			}
			if i.name != "" {
				items = append(items, i)
			}
		}
		return items, pager.More(), nil
	}
}

func secretItem(p *azsecrets.SecretProperties) (item, error) {
	if p.ID == nil || p.Attributes == nil {
		return item{}, nil
	}
	a := p.Attributes
	return identified(string(*p.ID), Version{Enabled: on(a.Enabled), Created: at(a.Created), NotBefore: at(a.NotBefore), Expires: at(a.Expires)})
}

func keyItem(p *azkeys.KeyProperties) (item, error) {
	if p.KID == nil || p.Attributes == nil {
		return item{}, nil
	}
	a := p.Attributes
	return identified(string(*p.KID), Version{Enabled: on(a.Enabled), Created: at(a.Created), NotBefore: at(a.NotBefore), Expires: at(a.Expires)})
}

func certificateItem(p *azcertificates.CertificateProperties) (item, error) {
	if p.ID == nil || p.Attributes == nil {
		return item{}, nil
	}
	a := p.Attributes
	return identified(string(*p.ID), Version{Enabled: on(a.Enabled), Created: at(a.Created), NotBefore: at(a.NotBefore), Expires: at(a.Expires)})
}

// errNoID is said of an answer in which an object has an identifier that Key Vault does
// not give.
var errNoID = errors.New("an identifier that is not a Key Vault object's")

// identified reads an identifier: https://<vault>/<type>/<name>[/<version>]. The SDK's own
// reading panics on what is none.
func identified(id string, v Version) (item, error) {
	u, err := url.Parse(id)
	if err != nil {
		return item{}, errNoID
	}
	_, rest, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	name, version, _ := strings.Cut(rest, "/")
	if u.Host == "" || name == "" || strings.Contains(version, "/") {
		return item{}, errNoID
	}
	v.ID = version
	return item{name, v}, nil
}

// on reads a bool that Azure may leave out, and which is true then.
func on(b *bool) bool { return b == nil || *b }

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
