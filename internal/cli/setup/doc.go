// Package setup works out what workloads need of Azure and of their cluster to read their objects, and makes it, by a script of az
// and kubectl that can be run again.
package setup
