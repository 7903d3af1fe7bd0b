package dns_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"akv-injector/e2e/azure/dns"
)

// start starts a server that knows one host.
func start(t *testing.T) *dns.Server {
	t.Helper()
	address := netip.MustParseAddr("127.0.0.1")
	s, err := dns.Start(t.Context(), netip.AddrPortFrom(address, 0), func(host string) (netip.Addr, bool) {
		return address, host == "login.microsoftonline.com"
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func resolver(s *dns.Server) *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", s.Address().String())
	}}
}

func TestDelay(t *testing.T) {
	s := start(t)
	s.SetDelay(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var late *net.DNSError
	if _, err := resolver(s).LookupHost(ctx, "login.microsoftonline.com."); !errors.As(err, &late) || !late.IsTimeout {
		t.Errorf("want a timeout, got %v", err)
	}
	s.SetDelay(0)
	if _, err := resolver(s).LookupHost(t.Context(), "login.microsoftonline.com."); err != nil {
		t.Error(err)
	}
}

// Some resolvers ask for an IPv6 address first. That there is none must not look as if
// the host did not exist.
func TestNoIPv6(t *testing.T) {
	s := start(t)
	answer := ask(t, s, "login.microsoftonline.com.", dnsmessage.TypeAAAA)
	if answer.RCode != dnsmessage.RCodeSuccess || len(answer.Answers) != 0 || len(answer.Questions) != 1 {
		t.Errorf("got %+v", answer)
	}
	if answer := ask(t, s, "no-such-kv.vault.azure.net.", dnsmessage.TypeAAAA); answer.RCode != dnsmessage.RCodeNameError {
		t.Errorf("got %+v", answer)
	}
}

func ask(t *testing.T, s *dns.Server, host string, kind dnsmessage.Type) dnsmessage.Message {
	t.Helper()
	question := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(host), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := question.Pack()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "udp", s.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(packed); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 512)
	n, err := conn.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	var answer dnsmessage.Message
	if err := answer.Unpack(buffer[:n]); err != nil {
		t.Fatal(err)
	}
	if answer.ID != 7 || !answer.Response {
		t.Errorf("the answer is to another question: %+v", answer.Header)
	}
	return answer
}
