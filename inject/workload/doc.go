// Package workload has what the engine knows of Kubernetes: pods and the kinds that make
// them, their containers, service accounts, mount paths, and when a pod has finished.
package workload
