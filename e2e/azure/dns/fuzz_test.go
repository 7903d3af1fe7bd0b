package dns

import (
	"bytes"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func FuzzDNS(f *testing.F) {
	s := &Server{lookup: func(string) (netip.Addr, bool) { return netip.MustParseAddr("127.0.0.1"), true }, ended: make(chan struct{})}
	question := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 1},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("a."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	packed, err := question.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xc0}, 64))
	f.Fuzz(func(t *testing.T, message []byte) {
		answer := s.answer(message)
		if answer == nil {
			return
		}
		var parsed dnsmessage.Message
		if err := parsed.Unpack(answer); err != nil || !parsed.Response {
			t.Errorf("%x is answered with %x: %v", message, answer, err)
		}
	})
}
