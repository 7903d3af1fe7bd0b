package azure_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"akv-injector/e2e/azure"
)

func resolver(f *fixture, network string) *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, f.DNSAddress().String())
	}}
}

func TestDNS(t *testing.T) {
	f := newFixture(t, azure.Options{})
	there := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	for _, network := range []string{"udp", "tcp"} {
		for host, want := range map[string][]netip.Addr{
			"login.microsoftonline.com.":                              there,
			"login.microsoft.com.":                                    there,
			"login.microsoftonline.us.":                               there,
			vaultName + ".vault.azure.net.":                           there,
			"PAYMENTS-kv.Vault.Azure.NET.":                            there,
			"other-kv.vault.azure.net.":                               nil,
			"vault.azure.net.":                                        nil,
			"a.payments-kv.vault.azure.net.":                          nil,
			vaultName + ".vault.usgovcloudapi.net.":                   nil, // a vault is in one cloud
			"example.com.":                                            nil,
			vaultName + ".vault.azure.net.default.svc.cluster.local.": nil, // a search list
		} {
			t.Run(network+" "+host, func(t *testing.T) {
				got, err := resolver(f, network).LookupNetIP(t.Context(), "ip", host)
				if !slices.Equal(got, want) {
					t.Errorf("want %v, got %v %v", want, got, err)
				}
				var missing *net.DNSError
				if want == nil && (!errors.As(err, &missing) || !missing.IsNotFound) {
					t.Errorf("want that there is no such host, got %v", err)
				}
			})
		}
	}

	if _, err := f.CreateVault("", "other-kv"); err != nil {
		t.Fatal(err)
	}
	if _, err := resolver(f, "udp").LookupHost(t.Context(), "other-kv.vault.azure.net."); err != nil {
		t.Errorf("a vault that has been made: %v", err)
	}
	if err := f.DeleteVault("other-kv"); err != nil {
		t.Fatal(err)
	}
	if _, err := resolver(f, "udp").LookupHost(t.Context(), "other-kv.vault.azure.net."); err == nil {
		t.Error("a vault that has been deleted still resolves")
	}
}

func TestDNSDelay(t *testing.T) {
	f := newFixture(t, azure.Options{})
	f.SetDNSDelay(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var late *net.DNSError
	if _, err := resolver(f, "udp").LookupHost(ctx, "login.microsoftonline.com."); !errors.As(err, &late) || !late.IsTimeout {
		t.Errorf("want a timeout, got %v", err)
	}
	f.SetDNSDelay(0)
	if _, err := resolver(f, "udp").LookupHost(t.Context(), "login.microsoftonline.com."); err != nil {
		t.Error(err)
	}
}

// An IPv6 address is asked for first, here and there: that there is none must not
// look as if there were no host.
func TestDNSHasNoIPv6(t *testing.T) {
	f := newFixture(t, azure.Options{})
	answer := f.ask(t, "login.microsoftonline.com.", dnsmessage.TypeAAAA)
	if answer.RCode != dnsmessage.RCodeSuccess || len(answer.Answers) != 0 || len(answer.Questions) != 1 {
		t.Errorf("got %+v", answer)
	}
	if answer := f.ask(t, "no-such-kv.vault.azure.net.", dnsmessage.TypeAAAA); answer.RCode != dnsmessage.RCodeNameError {
		t.Errorf("got %+v", answer)
	}
}

func (f *fixture) ask(t *testing.T, host string, kind dnsmessage.Type) dnsmessage.Message {
	t.Helper()
	question := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(host), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := question.Pack()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "udp", f.DNSAddress().String())
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
