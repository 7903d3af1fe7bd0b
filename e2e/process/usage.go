package process

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	resident  = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
)

// PeakMemory is the most resident memory that the program ever had, in bytes, as Linux says.
func (p *Process) PeakMemory() (int, error) { return PeakMemory(p.pid) }

// PeakMemory is that of a program that others have started.
func PeakMemory(pid int) (int, error) { return inStatus(pid, highWater) }

// Memory is the resident memory that the program has now, in bytes.
func (p *Process) Memory() (int, error) { return inStatus(p.pid, resident) }

func inStatus(pid int, which *regexp.Regexp) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	found := which.FindSubmatch(status)
	if found == nil {
		return 0, fmt.Errorf("no %s in %s", which, status)
	}
	kib, err := strconv.Atoi(string(found[1]))
	return kib << 10, err
}

// CPU is the processor time that the program has used, as Linux says.
func (p *Process) CPU() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
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
