// Package suite runs go test over a module with progress as it goes, and keeps what a
// summary at the end needs: times, failures, and what was left out and why.
package suite
