package controlplane

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// port is a TCP port of 127.0.0.1 that is ours from before its server starts
// until after it has stopped, restarts included.
//
// To find a free port and let it go again, for the server to take, loses it now
// and then to another test or to an outgoing connection. So it is kept: a socket
// stays bound to it, without listening. The kernel then gives it to nobody who
// asks for any free port, and lets in who asks for this one with SO_REUSEADDR,
// which every listener in Go does.
type port struct {
	Number int
	fd     int
}

// newPort reserves a port.
func newPort() (*port, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	unix.CloseOnExec(fd)
	p := &port{fd: fd}
	if err := p.bind(); err != nil {
		p.release()
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	return p, nil
}

func (p *port) bind() error {
	// Bound first, shared later: the kernel could otherwise choose a port that
	// another run has reserved in the same way.
	if err := unix.Bind(p.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	name, err := unix.Getsockname(p.fd)
	if err != nil {
		return err
	}
	p.Number = name.(*unix.SockaddrInet4).Port
	return nil
}

// address is what a server is told to listen on.
func (p *port) address() string { return fmt.Sprintf("127.0.0.1:%d", p.Number) }

func (p *port) url() string { return "https://" + p.address() }

func (p *port) release() { unix.Close(p.fd) }
