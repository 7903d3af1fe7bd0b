package injector

import "akv-injector/e2e/process"

// Process is the replica's running program.
func (r *Replica) Process() *process.Process { return r.process }

// Address is where this one replica answers admission requests, past the balancer.
func (r *Replica) Address() string { return loopback(r.webhook) }

// SetArgs replaces [Options.Args] for replicas that start from now on.
func (in *Injector) SetArgs(args ...string) { in.options.Args = args }
