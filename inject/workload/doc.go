// Package workload describes pods and the kinds that create them: their containers, service
// accounts and mount paths, and when a pod has finished.
package workload
