package admission_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/injector"
)

// needProc leaves a test out where what a program costs cannot be read.
func needProc(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("left out: time and memory of a program are read from Linux's /proc")
	}
}

// verdictLimit is how much of a processor an answer may take: the webhook configurations
// wait for 5 s. By the clock it would be about what else the machine does.
const verdictLimit = 4 * time.Second

// processorTime is how long the replica has had a processor.
func processorTime(t *testing.T, replica *injector.Replica) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", replica.Process().Pid()))
	if err != nil {
		t.Fatal(err)
	}
	// "pid (name) state …", and a name may have spaces; then come utime and stime as the
	// 12th and 13th, in hundredths of a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		t.Fatalf("/proc/…/stat reads %q", stat)
	}
	total := time.Duration(0)
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	return total
}

// peakMemory is the most resident memory that the replica ever had, in MiB.
func peakMemory(t *testing.T, replica *injector.Replica) int {
	t.Helper()
	mib, err := replica.PeakMemory()
	if err != nil {
		t.Fatal(err)
	}
	return mib
}
