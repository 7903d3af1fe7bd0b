package workloadidentity

import (
	"context"
	"net"
	"strconv"
	"time"

	"akv-injector/internal/testing/await"
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
	poll := await.Poll{Limit: turnTimeout, Every: 100 * time.Millisecond}
	err = poll.Success(ctx, "another run to leave the webhook's only port", func(context.Context) (err error) {
		turn, err = net.ListenPacket("udp", address)
		return err
	})
	if err != nil {
		return nil, err
	}
	return func() { turn.Close() }, nil
}
