package injector

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"akv-injector/e2e/process"
)

// Process is the replica's running program.
func (r *Replica) Process() *process.Process { return r.process }

// Address is where this one replica answers admission requests, past the balancer.
func (r *Replica) Address() string { return loopback(r.webhook) }

// SetArgs replaces [Options.Args] for replicas that start from now on.
func (in *Injector) SetArgs(args ...string) { in.options.Args = args }

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// PeakMemory is the most resident memory that the replica ever had, in MiB, as Linux says.
func (r *Replica) PeakMemory() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.Pid()))
	if err != nil {
		return 0, err
	}
	found := highWater.FindSubmatch(status)
	if found == nil {
		return 0, fmt.Errorf("no VmHWM in %s", status)
	}
	kib, err := strconv.Atoi(string(found[1]))
	return kib >> 10, err
}

// CPU is the processor time that the replica has used, as Linux says.
func (r *Replica) CPU() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.process.Pid()))
	if err != nil {
		return 0, err
	}
	// Behind the name, which is in brackets, the 12th and 13th fields are hundredths of a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("%q is no stat", stat)
	}
	var sum time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ticks) * 10 * time.Millisecond
	}
	return sum, nil
}
