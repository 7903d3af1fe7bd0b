// Package restart restarts workloads whose secrets have been rotated, where reading the file again
// is no use to the program and the pod says so (on-rotation: restart).
//
// What is due is read from the cluster each time: a pod is outdated if the driver has written its
// record after it made it, so that the pod's containers have started with something older. A pod
// of a new rollout has a record of its own. Nothing is remembered, so that a leader that takes over
// goes on where the other has stopped; both times are the API server's, so that clocks of nodes do not matter.
//
// Owner references are text from outside: an owner is restarted only if it has the uid of the
// reference, and its selector the pod.
package restart
