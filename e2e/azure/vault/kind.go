package vault

import "fmt"

// Kind is one of the three sorts of objects, written as in a URL.
type Kind string

const (
	Secret      Kind = "secrets"
	Key         Kind = "keys"
	Certificate Kind = "certificates"
)

func (k Kind) valid() bool { return k == Secret || k == Key || k == Certificate }

// check is for kinds that come from outside.
func (k Kind) check() error {
	if !k.valid() {
		return fmt.Errorf("kind %q: must be %q, %q or %q", k, Secret, Key, Certificate)
	}
	return nil
}

// noun is the kind in a sentence.
func (k Kind) noun() string {
	switch k {
	case Key:
		return "key"
	case Certificate:
		return "certificate"
	case Secret:
	}
	return "secret"
}

// Title is the kind in names of operations, codes and events.
func (k Kind) Title() string {
	switch k {
	case Key:
		return "Key"
	case Certificate:
		return "Certificate"
	case Secret:
	}
	return "Secret"
}
