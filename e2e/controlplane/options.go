// Package controlplane runs a real Kubernetes control plane on loopback: etcd,
// kube-apiserver and, if wanted, kube-controller-manager and kube-scheduler, as
// children of the test. Several may run at once, in one process or in many.
package controlplane

import "io"

// Options says what kind of control plane to start. The zero value is good.
type Options struct {
	// ControllerManager starts kube-controller-manager too. Without it there are
	// no ReplicaSets' pods, no garbage collection, and a namespace is never
	// deleted in the end; the API server and its admission are the same.
	ControllerManager bool

	// Scheduler starts kube-scheduler too, for a control plane that has nodes.
	Scheduler bool

	// Services lets pods reach the API server, and has it call webhooks by their Services, where kube-proxy runs beside it: it
	// listens on every address, and says that the sandbox's node is where it can be reached. Only in a sandbox.
	Services bool

	// Dir is the folder to make the run's own folder in; empty is the system's
	// folder for temporary files.
	Dir string

	// KeepDir leaves the run's folder (logs, audit log, etcd's data) after Stop.
	KeepDir bool

	// Log hears of builds that take minutes, and of where the control plane is.
	// Nil is silence.
	Log io.Writer

	// ExtraAPIServerArgs and ExtraControllerManagerArgs come last, so they win
	// over ours where a flag may be given once.
	ExtraAPIServerArgs         []string
	ExtraControllerManagerArgs []string
}
