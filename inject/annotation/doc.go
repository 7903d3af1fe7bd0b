// Package annotation defines the annotations and labels of akv-injector: where each is
// allowed, and what it means. Docs, the CLI and the chart's tests use these definitions.
package annotation
