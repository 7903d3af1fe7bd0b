package vault

import (
	"net/http"
	"strings"
)

// maxSecret is Azure's limit of a secret's value, in bytes.
const maxSecret = 25 << 10

// SetSecret makes a new version of a secret, and the secret if there is none.
func (s *Service) SetSecret(vault, name, value string, a Attributes) (string, error) {
	var id string
	err := s.within(vault, Secret, name, func(v *contents) error {
		_, made, err := s.addSecret(v, name, value, a.change())
		if err == nil {
			id = made.id
		}
		return err
	})
	return id, err
}

// addSecret wants s.mu held.
func (s *Service) addSecret(v *contents, name, value string, c change) (*object, *version, error) {
	if err := v.reserve(Secret, name, "set"); err != nil {
		return nil, nil, err
	}
	if len(value) > maxSecret {
		return nil, nil, badParameter("The value has %d bytes; at most %d are allowed.", len(value), maxSecret)
	}
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	made := s.newVersion(c)
	made.value = value
	s.config.Created(v.name, Secret, name, made.id)
	return v.add(Secret, name, made), made, nil
}

// SecretValue gives a secret's value, also when it is disabled; version "" is
// the newest.
func (s *Service) SecretValue(vault, name, version string) (string, error) {
	var value string
	err := s.within(vault, Secret, name, func(v *contents) error {
		o, err := v.find(Secret, name)
		if err != nil {
			return err
		}
		found, err := o.version(version)
		if err != nil {
			return err
		}
		value = found.value
		return nil
	})
	return value, err
}

// secretJSON is a secret in an answer: with its value (get, set), without (the
// others), and in lists.
type secretJSON struct {
	Value       *string           `json:"value,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	ID          string            `json:"id"`
	Managed     bool              `json:"managed,omitempty"`
	Attributes  attributesJSON    `json:"attributes"`
	Tags        map[string]string `json:"tags,omitempty"`
	KID         string            `json:"kid,omitempty"`
	*deletionJSON
}

func (c *call) secretBundle(o *object, v *version) secretJSON {
	b := secretJSON{
		ContentType:  v.contentType,
		ID:           c.id(o, v),
		Managed:      o.managed,
		Attributes:   v.attributes(),
		Tags:         v.tags,
		deletionJSON: c.deletion(o),
	}
	if o.managed {
		b.KID = c.url(Key, o.name, v.id)
	}
	return b
}

func (c *call) secretItem(o *object, v *version, id string) secretJSON {
	return secretJSON{
		ContentType:  v.contentType,
		ID:           id,
		Managed:      o.managed,
		Attributes:   v.attributes(),
		Tags:         v.tags,
		deletionJSON: c.deletion(o),
	}
}

// getSecret is the one request that gives a value to read, and the one that a
// disabled secret refuses.
func getSecret(c *call) (any, error) {
	o, v, err := c.find()
	if err != nil {
		return nil, err
	}
	if !v.enabled {
		return nil, &StatusError{
			Status:  http.StatusForbidden,
			Code:    "Forbidden",
			Inner:   "SecretDisabled",
			Message: "Operation get is not allowed on a disabled secret.",
		}
	}
	b := c.secretBundle(o, v)
	b.Value = &v.value
	return b, nil
}

func putSecret(c *call) (any, error) {
	var body struct {
		Value       *string            `json:"value"`
		ContentType *string            `json:"contentType"`
		Attributes  *attributesRequest `json:"attributes"`
		Tags        map[string]string  `json:"tags"`
	}
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	if body.Value == nil {
		return nil, badParameter("Required property 'value' is missing.")
	}
	o, v, err := c.service.addSecret(c.contents, c.name, *body.Value, body.Attributes.change(body.ContentType, body.Tags))
	if err != nil {
		return nil, err
	}
	b := c.secretBundle(o, v)
	b.Value = &v.value
	return b, nil
}

// id is a version's identifier, which is a URL.
func (c *call) id(o *object, v *version) string { return c.url(o.kind, o.name, v.id) }

func (c *call) url(kind Kind, path ...string) string {
	return "https://" + c.host.dns() + "/" + string(kind) + "/" + strings.Join(path, "/")
}
