package keyvault

import "strings"

// question is what a vault is asked: about one object, or, without a name, which objects
// there are.
type question struct {
	// vault in lower case, and the suffix of its host.
	vault, suffix string
	t             Type
	name          string
}

func newQuestion(cloud, vault string, t Type, name string) question {
	h, _ := hostsOf(cloud)
	return question{vault: strings.ToLower(vault), suffix: h.suffix, t: t, name: strings.ToLower(name)}
}

func (q question) host() string { return q.vault + "." + q.suffix }

func (q question) url() string { return "https://" + q.host() + "/" }

// key is the question as a cache and a flight know it.
func (q question) key() string { return q.vault + "." + q.suffix + "/" + string(q.t) + "/" + q.name }
