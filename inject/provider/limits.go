package provider

import (
	"fmt"

	yaml "go.yaml.in/yaml/v3"

	"akv-injector/inject/finding"
)

// Limits of what is read of a SecretProviderClass. Kubernetes limits only its bytes, and in
// 1.5 MB fit 300,000 objects. Each limit is several times what a class that the provider can
// mount within a kubelet's two minutes has.
const (
	// MaxClassObjects is the most objects of a class that are read.
	MaxClassObjects = 1000
	// MaxObjectsText is the most bytes of an objects parameter, and of the elements that YAML
	// aliases repeat in it.
	MaxObjectsText = 128 << 10
	// maxErrors is the most errors that one list collects.
	maxErrors = 100
	// maxYAMLKeys is the most keys of one map: the YAML library compares each with each.
	maxYAMLKeys = 100
	// maxYAMLAliases is the most aliases of a text: they repeat what they name.
	maxYAMLAliases = 20
)

// yamlProblemOfSize is why a text takes too long to decode, if it does.
func yamlProblemOfSize(root *yaml.Node) finding.Problem {
	aliases := 0
	var problem finding.Problem
	var look func(n *yaml.Node) bool
	look = func(n *yaml.Node) bool {
		switch {
		case n.Kind == yaml.AliasNode:
			if aliases++; aliases > maxYAMLAliases {
				problem = finding.Problem{What: fmt.Sprintf("has more than %d YAML aliases", maxYAMLAliases), Fix: "write the values out"}
				return false
			}
		case n.Kind == yaml.MappingNode && len(n.Content)/2 > maxYAMLKeys:
			problem = finding.Problem{
				What: fmt.Sprintf("line %d: a map of %d keys, of which at most %d are read", n.Line, len(n.Content)/2, maxYAMLKeys),
				Fix:  "remove the keys that the provider does not read",
			}
			return false
		}
		for _, child := range n.Content {
			if !look(child) {
				return false
			}
		}
		return true
	}
	look(root)
	return problem
}
