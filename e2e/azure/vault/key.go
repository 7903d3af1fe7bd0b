package vault

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
)

// jsonWebKey is the public half of a key, as Key Vault gives it. The private
// one is nowhere: nothing here signs or decrypts.
type jsonWebKey struct {
	KID   string   `json:"kid"`
	Type  string   `json:"kty"`
	Ops   []string `json:"key_ops,omitempty"`
	N     string   `json:"n,omitempty"`
	E     string   `json:"e,omitempty"`
	Curve string   `json:"crv,omitempty"`
	X     string   `json:"x,omitempty"`
	Y     string   `json:"y,omitempty"`
}

// keySpec says what key to make. Empty fields take Azure's defaults.
type keySpec struct {
	Type  string   `json:"kty"`
	Size  int      `json:"key_size"`
	Curve string   `json:"crv"`
	Ops   []string `json:"key_ops"`
}

func (k *keySpec) complete() error {
	switch k.Type {
	case "RSA":
		if k.Size == 0 {
			k.Size = 2048
		}
		if k.Size != 2048 && k.Size != 3072 && k.Size != 4096 {
			return badParameter("The key_size %d is not supported: must be 2048, 3072 or 4096.", k.Size)
		}
		if k.Ops == nil {
			k.Ops = []string{"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"}
		}
	case "EC":
		if k.Curve == "" {
			k.Curve = "P-256"
		}
		if _, ok := curves[k.Curve]; !ok {
			return badParameter("The crv %q is not supported: must be P-256, P-384 or P-521.", k.Curve)
		}
		if k.Ops == nil {
			k.Ops = []string{"sign", "verify"}
		}
	default:
		return badParameter("The kty %q is not supported: must be RSA or EC.", k.Type)
	}
	return nil
}

var curves = map[string]elliptic.Curve{
	"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521(),
}

// generate makes the key pair. It takes its time: do it without holding a lock.
func (k *keySpec) generate() (crypto.Signer, error) {
	if k.Type == "EC" {
		return ecdsa.GenerateKey(curves[k.Curve], rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, k.Size)
}

func (k *keySpec) publicKey(public crypto.PublicKey) (*jsonWebKey, error) {
	jwk := &jsonWebKey{Type: k.Type, Ops: k.Ops}
	switch public := public.(type) {
	case *rsa.PublicKey:
		jwk.N = base64URL(public.N.Bytes())
		jwk.E = base64URL(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, X, Y
		if err != nil {
			return nil, err
		}
		half := len(point) / 2
		jwk.Curve = k.Curve
		jwk.X, jwk.Y = base64URL(point[1:1+half]), base64URL(point[1+half:])
	default:
		return nil, fmt.Errorf("a %T has no JSON form here", public)
	}
	return jwk, nil
}

func base64URL(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// CreateKey makes a new version of a key, and the key if there is none; keyType
// is "RSA" (2048 bits) or "EC" (P-256).
func (s *Service) CreateKey(vault, name, keyType string, a Attributes) (string, error) {
	spec := keySpec{Type: keyType}
	var id string
	public, err := spec.make()
	if err != nil {
		return "", fmt.Errorf("vault %s: %s/%s: %w", vault, Key, name, err)
	}
	err = s.within(vault, Key, name, func(v *contents) error {
		_, made, err := s.addKey(v, name, public, a.change())
		if err == nil {
			id = made.id
		}
		return err
	})
	return id, err
}

func (k *keySpec) make() (*jsonWebKey, error) {
	if err := k.complete(); err != nil {
		return nil, err
	}
	pair, err := k.generate()
	if err != nil {
		return nil, err
	}
	return k.publicKey(pair.Public())
}

// addKey wants s.mu held.
func (s *Service) addKey(v *contents, name string, public *jsonWebKey, c change) (*object, *version, error) {
	if err := v.reserve(Key, name, "create"); err != nil {
		return nil, nil, err
	}
	c.contentType = nil // keys have none
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	made := s.newVersion(c)
	made.key = public
	s.config.Created(v.name, Key, name, made.id)
	return v.add(Key, name, made), made, nil
}

// keyBundle is a key in an answer, keyItem in a list.
type keyBundle struct {
	Key        jsonWebKey        `json:"key"`
	Attributes attributesJSON    `json:"attributes"`
	Tags       map[string]string `json:"tags,omitempty"`
	Managed    bool              `json:"managed,omitempty"`
	*deletionJSON
}

type keyItem struct {
	KID        string            `json:"kid"`
	Attributes attributesJSON    `json:"attributes"`
	Tags       map[string]string `json:"tags,omitempty"`
	Managed    bool              `json:"managed,omitempty"`
	*deletionJSON
}

func (c *call) keyBundle(o *object, v *version) keyBundle {
	key := *v.key
	key.KID = c.id(o, v)
	return keyBundle{
		Key: key, Attributes: v.attributes(), Tags: v.tags, Managed: o.managed, deletionJSON: c.deletion(o),
	}
}

func (c *call) keyItem(o *object, v *version, id string) keyItem {
	return keyItem{
		KID: id, Attributes: v.attributes(), Tags: v.tags, Managed: o.managed, deletionJSON: c.deletion(o),
	}
}

// createKey answers POST /keys/{name}/create. The pair is made with the lock
// let go.
func createKey(c *call) (any, error) {
	var body struct {
		keySpec
		Attributes *attributesRequest `json:"attributes"`
		Tags       map[string]string  `json:"tags"`
	}
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	var public *jsonWebKey
	err := c.unlocked(func() error {
		var err error
		public, err = body.make()
		return err
	})
	if err != nil {
		return nil, err
	}
	o, v, err := c.service.addKey(c.contents, c.name, public, body.Attributes.change(nil, body.Tags))
	if err != nil {
		return nil, err
	}
	return c.keyBundle(o, v), nil
}
