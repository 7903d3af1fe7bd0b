package injector

import (
	"time"

	"akv-injector/e2e/process"
)

// Process is the replica's running program.
func (r *Replica) Process() *process.Process { return r.process }

// MetricsAddress is where the replica's metrics are read.
func (r *Replica) MetricsAddress() string { return loopback(r.metrics) }

// Address is where this one replica answers admission requests, past the balancer.
func (r *Replica) Address() string { return loopback(r.webhook) }

// SetArgs replaces [Options.Args] for replicas that start from now on.
func (in *Injector) SetArgs(args ...string) { in.options.Args = args }

// PeakMemory is the most resident memory that the replica ever had, in MiB, as Linux says.
func (r *Replica) PeakMemory() (int, error) {
	bytes, err := r.process.PeakMemory()
	return bytes >> 20, err
}

// CPU is the processor time that the replica has used, as Linux says.
func (r *Replica) CPU() (time.Duration, error) { return r.process.CPU() }

// SetEnv replaces [Options.Env] for replicas that start from now on.
func (in *Injector) SetEnv(env ...string) { in.options.Env = env }
