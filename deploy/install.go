// Package deploy has the manifests of an installation with the chart's defaults.
package deploy

import _ "embed"

// Install is deploy/install.yaml.
//
//go:embed install.yaml
var Install []byte
