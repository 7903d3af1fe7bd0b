package controlplane

import (
	"net"
	"strings"
	"testing"
)

func TestReservedPortIsForItsServerOnly(t *testing.T) {
	reserved, err := newPort()
	if err != nil {
		t.Fatal(err)
	}
	defer reserved.release()

	// Others that ask for any port, at once and often, never get one that is kept.
	taken := map[int]bool{reserved.Number: true}
	for range 2000 {
		other, err := newPort()
		if err != nil {
			t.Fatal(err)
		}
		defer other.release()
		if taken[other.Number] {
			t.Fatalf("port %d was given out twice", other.Number)
		}
		taken[other.Number] = true
	}

	for range 3 { // a server may start again and again
		server, err := net.Listen("tcp", reserved.address())
		if err != nil {
			t.Fatalf("the server cannot have its port: %v", err)
		}
		if _, err := net.Listen("tcp", reserved.address()); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("a second server on the port: %v", err)
		}
		client, err := net.Dial("tcp", reserved.address())
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		// The server's end closes first, which leaves the port in TIME_WAIT.
		accepted.Close()
		client.Close()
		server.Close()
	}
}
