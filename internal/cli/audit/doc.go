// Package audit reads from a cluster what the linter reads from files, and writes what it finds there as policy
// reports. It only reads, and never Secrets.
package audit
