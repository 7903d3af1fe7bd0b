// Package annotation has the vocabulary of akv-injector: its annotations and labels, where
// each may stand, and what it means. Docs, the CLI and the chart's tests follow from it.
package annotation
