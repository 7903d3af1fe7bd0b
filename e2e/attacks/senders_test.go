package attacks_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"akv-injector/e2e/cluster"
)

// another is an address that is not the API server's.
var another = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}

// Whoever reaches the port can hold connections and bodies: requests of others go on, and the
// replica's memory has room for all that is held.
func TestSlowSenders(t *testing.T) {
	c := start(t, 1)
	c.Namespace(t, "honest", nil)
	replica := c.Injector.Replicas()[0]
	roots := x509.NewCertPool()
	ca, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots.AppendCertsFromPEM(ca)
	dialer := &tls.Dialer{NetDialer: &net.Dialer{LocalAddr: another}, Config: &tls.Config{RootCAs: roots, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}}
	hold := func(n int, send func(net.Conn) error) {
		for range n {
			conn, err := dialer.DialContext(t.Context(), "tcp", replica.Address())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			if err := send(conn); err != nil {
				t.Fatal(err)
			}
		}
	}
	const size = 4 << 20
	hold(60, func(conn net.Conn) error {
		_, err := fmt.Fprintf(conn, "POST /mutate-v1-pod HTTP/1.1\r\nHost: akv\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", size)
		return err
	})
	hold(5000, func(net.Conn) error { return nil })

	api := as(t, c, user)
	for i, began := 0, time.Now(); time.Since(began) < 3*time.Second; i++ {
		at := time.Now()
		if err := api.Create(t.Context(), cluster.Pod("honest", fmt.Sprintf("pod-%d", i), "DB-Password")); err != nil {
			t.Fatalf("a create beside 60 held bodies: %v", err)
		}
		if took := time.Since(at); took > 2*time.Second {
			t.Errorf("a create takes %v", took)
		}
	}
	wantAlive(t, c)
}
