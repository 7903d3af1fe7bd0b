package vault

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Attributes are what an object has besides its content. What is left out takes
// its default in a new version and stays as it is in a changed one; there is no
// way to clear a time but by HTTP, with a null.
type Attributes struct {
	Enabled     *bool      `json:"enabled,omitempty"`
	NotBefore   *time.Time `json:"notBefore,omitempty"`
	Expires     *time.Time `json:"expires,omitempty"`
	ContentType string     `json:"contentType,omitempty"`
	// Tags replace those that were there; nil leaves them.
	Tags map[string]string `json:"tags,omitempty"`
}

// change is what a request or a caller wants of a version's attributes.
type change struct {
	enabled     *bool
	notBefore   unixTime
	expires     unixTime
	contentType *string
	tags        map[string]string
}

func (a Attributes) change() change {
	c := change{enabled: a.Enabled, tags: a.Tags}
	if a.NotBefore != nil {
		c.notBefore = unixTime{given: true, at: a.NotBefore}
	}
	if a.Expires != nil {
		c.expires = unixTime{given: true, at: a.Expires}
	}
	if a.ContentType != "" {
		c.contentType = &a.ContentType
	}
	return c
}

// Azure's limits.
const (
	maxContentType = 255
	maxTags        = 15
	maxTag         = 256
)

func (c change) check() error {
	if c.contentType != nil && len(*c.contentType) > maxContentType {
		return badParameter("The contentType has %d characters; at most %d are allowed.", len(*c.contentType), maxContentType)
	}
	if len(c.tags) > maxTags {
		return badParameter("There are %d tags; at most %d are allowed.", len(c.tags), maxTags)
	}
	for name, value := range c.tags {
		if len(name) > maxTag || len(value) > maxTag {
			return badParameter("A tag's name or value is too long; at most %d characters are allowed.", maxTag)
		}
	}
	return nil
}

// apply changes a version. A certificate's two times are those of its X.509
// part, and no change moves them.
func (c change) apply(v *version) {
	if c.enabled != nil {
		v.enabled = *c.enabled
	}
	if v.cert == nil {
		if c.notBefore.given {
			v.notBefore = c.notBefore.at
		}
		if c.expires.given {
			v.expires = c.expires.at
		}
	}
	if c.contentType != nil {
		v.contentType = *c.contentType
	}
	if c.tags != nil {
		v.tags = maps.Clone(c.tags)
	}
}

// newVersion makes the version that a change describes. It wants s.mu held.
func (s *Service) newVersion(c change) *version {
	s.seq++
	now := s.config.Now()
	v := &version{id: newVersionID(), seq: s.seq, enabled: true, created: now, updated: now}
	c.apply(v)
	return v
}

// SetAttributes changes what is given of a version's attributes; version "" is
// the newest. A certificate's change of enabled and tags is one of its secret
// and key too; its times cannot be changed.
func (s *Service) SetAttributes(vault string, kind Kind, name, version string, a Attributes) error {
	return s.within(vault, kind, name, func(v *contents) error {
		if kind == Certificate && (a.NotBefore != nil || a.Expires != nil) {
			return fmt.Errorf("notBefore and expires are those of the X.509 certificate: make a new version with them")
		}
		_, _, err := v.update(kind, name, version, a.change(), s.config.Now())
		return err
	})
}

func (v *contents) update(kind Kind, name, id string, c change, now time.Time) (*object, *version, error) {
	o, err := v.find(kind, name)
	if err != nil {
		return nil, nil, err
	}
	target, err := o.version(id)
	if err != nil {
		return nil, nil, err
	}
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	c.apply(target)
	target.updated = now
	if kind == Certificate {
		for _, part := range v.parts(o)[1:] {
			// A certificate's version and those of its parts have one id.
			if same, err := part.version(target.id); err == nil {
				change{enabled: c.enabled, tags: c.tags}.apply(same)
				same.updated = now
			}
		}
	}
	return o, target, nil
}

// attributesJSON is Key Vault's form of a version's attributes. All times are
// whole seconds.
type attributesJSON struct {
	Enabled         bool   `json:"enabled"`
	NotBefore       *int64 `json:"nbf,omitempty"`
	Expires         *int64 `json:"exp,omitempty"`
	Created         int64  `json:"created"`
	Updated         int64  `json:"updated"`
	RecoveryLevel   string `json:"recoveryLevel"`
	RecoverableDays int    `json:"recoverableDays"`
}

func (v *version) attributes() attributesJSON {
	return attributesJSON{
		Enabled:         v.enabled,
		NotBefore:       seconds(v.notBefore),
		Expires:         seconds(v.expires),
		Created:         v.created.Unix(),
		Updated:         v.updated.Unix(),
		RecoveryLevel:   "Recoverable+Purgeable",
		RecoverableDays: int(retention / (24 * time.Hour)),
	}
}

func seconds(at *time.Time) *int64 {
	if at == nil {
		return nil
	}
	return new(at.Unix())
}

// attributesRequest is what a request says of them.
type attributesRequest struct {
	Enabled   *bool    `json:"enabled"`
	NotBefore unixTime `json:"nbf"`
	Expires   unixTime `json:"exp"`
}

func (r *attributesRequest) change(contentType *string, tags map[string]string) change {
	c := change{contentType: contentType, tags: tags}
	if r != nil {
		c.enabled, c.notBefore, c.expires = r.Enabled, r.NotBefore, r.Expires
	}
	return c
}

// unixTime is a time that a request may leave out, or clear with a null.
type unixTime struct {
	given bool
	at    *time.Time
}

// lastSecond ends the year 9999, the last that Azure's times have.
const lastSecond = 253402300799

func (t *unixTime) UnmarshalJSON(data []byte) error {
	t.given = true
	if string(data) == "null" {
		return nil
	}
	var unix int64
	if err := json.Unmarshal(data, &unix); err != nil {
		return err
	}
	if unix < 0 || unix > lastSecond {
		return fmt.Errorf("%d is no time in seconds since 1970", unix)
	}
	t.at = new(time.Unix(unix, 0))
	return nil
}
