// Package render makes manifests of what is not yet one: a folder of kustomize, with its library, and a
// Helm chart, with the helm on PATH. What comes from outside is not fetched and not run.
package render
