package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// Addresses of a sandbox, on its loopback interface. Nothing outside can reach them.
const (
	// NodeIP is the node's: the kubelet listens there.
	NodeIP = "10.99.0.2"
	// AzureIP is where all of Azure's names lead, and where names are resolved.
	AzureIP = "10.99.0.3"
)

// The environment tells a process which of the three it is, and what is its run's.
const (
	stageVariable  = "AKV_SANDBOX_STAGE"
	dirVariable    = "AKV_SANDBOX_DIR"
	cgroupVariable = "AKV_SANDBOX_CGROUP"

	stageInit   = "init"
	stageInside = "inside"
)

// Inside reports whether this process is in a sandbox.
func Inside() bool { return os.Getenv(stageVariable) == stageInside }

// Run calls inside in a sandbox and gives its exit code. In the process that is
// outside, prepare runs first: it has the network, for builds and downloads.
func Run(prepare func(context.Context) error, inside func() int) int {
	switch os.Getenv(stageVariable) {
	case stageInside:
		return inside()
	case stageInit:
		return fail(initialize())
	}
	if err := Supported(); err != nil {
		return fail(1, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := prepare(ctx)
	stop()
	if err != nil {
		return fail(1, err)
	}
	return fail(outside())
}

// Tests is a [testing.M].
type Tests interface{ Run() int }

// Main is the TestMain of a package whose tests need a sandbox, or run in one where they
// can. Where there can be none they run without, and those that need it say so through
// [Require].
func Main(m Tests, prepare func(context.Context) error) {
	if Supported() != nil && os.Getenv(stageVariable) == "" {
		os.Exit(m.Run())
	}
	os.Exit(Run(prepare, m.Run))
}

// Require skips a test outside of a sandbox, with the reason why there is none. What
// is left out in this way is told again at the end of `make test`.
func Require(t *testing.T) {
	t.Helper()
	if Inside() {
		return
	}
	if err := Supported(); err != nil {
		t.Skip("left out:", err)
	}
	t.Fatal("this package's TestMain does not call sandbox.Main")
}

// ErrUnsupported is what errors of [Supported] are.
var ErrUnsupported = errors.New("no node can run here")

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

func fail(code int, err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(1, code)
	}
	return code
}
