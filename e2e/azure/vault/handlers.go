package vault

import "net/http"

// These answer what is the same for all kinds.

// deletionJSON is what a deleted object's answer has besides.
type deletionJSON struct {
	RecoveryID         string `json:"recoveryId"`
	DeletedDate        int64  `json:"deletedDate"`
	ScheduledPurgeDate int64  `json:"scheduledPurgeDate"`
}

func (c *call) deletion(o *object) *deletionJSON {
	if o.deleted == nil {
		return nil
	}
	return &deletionJSON{
		RecoveryID:         c.url("deleted"+o.kind, o.name),
		DeletedDate:        o.deleted.Unix(),
		ScheduledPurgeDate: o.deleted.Add(retention).Unix(),
	}
}

// bundle is a version in an answer of its own, without a secret's value.
func (c *call) bundle(o *object, v *version) any {
	switch o.kind {
	case Key:
		return c.keyBundle(o, v)
	case Certificate:
		return c.certificateBundle(o, v)
	case Secret:
	}
	return c.secretBundle(o, v)
}

// item is a version, or an object by its newest one, in a list.
func (c *call) item(o *object, v *version, id string) any {
	switch o.kind {
	case Key:
		return c.keyItem(o, v, id)
	case Certificate:
		return c.certificateItem(o, v, id)
	case Secret:
	}
	return c.secretItem(o, v, id)
}

// find gives the version that a request names.
func (c *call) find() (*object, *version, error) {
	o, err := c.contents.find(c.kind, c.name)
	if err != nil {
		return nil, nil, err
	}
	v, err := o.version(c.version)
	return o, v, err
}

// getObject gives keys and certificates, which being disabled does not hide.
func getObject(c *call) (any, error) {
	o, v, err := c.find()
	if err != nil {
		return nil, err
	}
	return c.bundle(o, v), nil
}

func patchObject(c *call) (any, error) {
	var body struct {
		ContentType *string            `json:"contentType"`
		Attributes  *attributesRequest `json:"attributes"`
		Tags        map[string]string  `json:"tags"`
	}
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	if c.kind != Secret {
		body.ContentType = nil
	}
	o, v, err := c.contents.update(c.kind, c.name, c.version, body.Attributes.change(body.ContentType, body.Tags), c.service.config.Now())
	if err != nil {
		return nil, err
	}
	return c.bundle(o, v), nil
}

func deleteObject(c *call) (any, error) {
	o, err := c.contents.softDelete(c.kind, c.name, c.service.config.Now())
	if err != nil {
		return nil, err
	}
	return c.bundle(o, o.newest()), nil
}

func getDeleted(c *call) (any, error) {
	o, err := c.contents.findDeleted(c.kind, c.name)
	if err != nil {
		return nil, err
	}
	return c.bundle(o, o.newest()), nil
}

func recoverObject(c *call) (any, error) {
	o, err := c.contents.recover(c.kind, c.name)
	if err != nil {
		return nil, err
	}
	return c.bundle(o, o.newest()), nil
}

func purgeObject(c *call) (any, error) {
	if err := c.contents.purge(c.kind, c.name); err != nil {
		return nil, err
	}
	c.status = http.StatusNoContent
	return nil, nil
}
