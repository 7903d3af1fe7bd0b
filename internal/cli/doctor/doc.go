// Package doctor looks for what keeps secrets from pods: in the cluster, in akv-injector itself, in a workload, and in what the
// driver says of a pod that is stuck. Each check is one value of a table, from which its documentation is made too.
package doctor
