package workloadidentity

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// port is where the webhook listens, on every address of the machine: the default of its
// library. It has a flag for neither.
const port = 9443

// turnTimeout is how long to wait for other runs on this machine.
const turnTimeout = 5 * time.Minute

// takeTurn waits until no other run has a webhook on this machine. Who has the turn has
// the UDP port of that number: nobody else uses it, the kernel frees it when a run is
// killed, and a network namespace of its own has its own.
func takeTurn(ctx context.Context) (release func(), err error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	var turn net.PacketConn
	var taken error
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, turnTimeout, true, func(context.Context) (bool, error) {
		turn, taken = net.ListenPacket("udp", address)
		return taken == nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("the webhook listens on port %d and no other, and another run has it: %w; %w", port, err, taken)
	}
	return func() { turn.Close() }, nil
}
