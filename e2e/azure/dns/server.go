// Package dns is the stand-in's DNS server. It answers for the hosts that its lookup
// knows; no other host exists for its clients, and the outside world is not asked.
package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// ttl is short because vaults are created and deleted.
	ttl = 5
	// idle ends a TCP connection that asks nothing.
	idle = 30 * time.Second
	// tries is how often a free port is looked for that is free for both UDP and TCP.
	tries = 20
)

// Server is a running DNS server, with UDP and TCP at one port.
type Server struct {
	lookup  func(host string) (netip.Addr, bool)
	address netip.AddrPort
	delay   atomic.Int64 // a time.Duration

	udp     *net.UDPConn
	tcp     net.Listener
	ended   chan struct{}
	once    sync.Once
	serving sync.WaitGroup
}

// Start starts a server; ctx is for the start. Port 0 is any free one. The lookup takes a
// host name in lower case without a dot at its end, and reports whether the host exists.
func Start(ctx context.Context, address netip.AddrPort, lookup func(string) (netip.Addr, bool)) (*Server, error) {
	s := &Server{lookup: lookup, ended: make(chan struct{})}
	if err := s.listen(ctx, address); err != nil {
		return nil, fmt.Errorf("listen for DNS: %w", err)
	}
	s.serving.Go(s.serveUDP)
	s.serving.Go(s.serveTCP)
	return s, nil
}

func (s *Server) listen(ctx context.Context, address netip.AddrPort) error {
	var err error
	for range tries {
		if s.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(address)); err != nil {
			return err
		}
		s.address = s.udp.LocalAddr().(*net.UDPAddr).AddrPort()
		if s.tcp, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.address.String()); err == nil {
			return nil
		}
		s.udp.Close()
		if address.Port() != 0 {
			return err
		}
	}
	return err
}

// Address is where the server listens.
func (s *Server) Address() netip.AddrPort { return s.address }

// SetDelay makes every answer late; 0 ends the delay.
func (s *Server) SetDelay(delay time.Duration) { s.delay.Store(int64(delay)) }

// Close stops the server. A second call does nothing.
func (s *Server) Close() (err error) {
	s.once.Do(func() {
		close(s.ended)
		err = errors.Join(s.udp.Close(), s.tcp.Close())
		s.serving.Wait()
	})
	return err
}

func (s *Server) serveUDP() {
	buffer := make([]byte, 4096)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if s.isEnded() {
				return
			}
			continue // such as an ICMP message about an earlier answer
		}
		question := append([]byte{}, buffer[:n]...)
		s.serving.Go(func() {
			if answer := s.answer(question); answer != nil {
				_, _ = s.udp.WriteToUDPAddrPort(answer, from) // the client has gone, or asks again
			}
		})
	}
}

func (s *Server) serveTCP() {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			if s.isEnded() {
				return
			}
			continue
		}
		s.serving.Go(func() { s.serveConn(conn) })
	}
}

// serveConn answers the questions of a TCP connection. Each begins with its length.
func (s *Server) serveConn(conn net.Conn) {
	defer conn.Close()
	closed := make(chan struct{})
	defer close(closed)
	go func() {
		select {
		case <-s.ended:
			conn.Close()
		case <-closed:
		}
	}()
	for {
		if err := conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return
		}
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		answer := s.answer(question)
		if answer == nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (s *Server) isEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// answer returns the answer to a question; nil is no answer at all.
func (s *Server) answer(message []byte) []byte {
	if delay := time.Duration(s.delay.Load()); delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.ended:
			return nil
		}
	}
	var parser dnsmessage.Parser
	header, err := parser.Start(message)
	if err != nil || header.Response {
		return nil
	}
	reply := dnsmessage.Header{
		ID: header.ID, Response: true, OpCode: header.OpCode, Authoritative: true,
		RecursionDesired: header.RecursionDesired, RecursionAvailable: true,
	}
	questions, err := parser.AllQuestions()
	switch {
	case err != nil || len(questions) != 1:
		reply.RCode = dnsmessage.RCodeFormatError
		questions = nil
	case header.OpCode != 0:
		reply.RCode = dnsmessage.RCodeNotImplemented
	}
	var address netip.Addr
	if reply.RCode == dnsmessage.RCodeSuccess {
		var found bool
		host := strings.ToLower(strings.TrimSuffix(questions[0].Name.String(), "."))
		if address, found = s.lookup(host); !found {
			reply.RCode = dnsmessage.RCodeNameError
		}
	}
	return pack(reply, questions, address)
}

// pack encodes an answer. A host has one IPv4 address. A question for another type is
// answered with success and no record, which does not mean that there is no such host.
func pack(reply dnsmessage.Header, questions []dnsmessage.Question, address netip.Addr) []byte {
	builder := dnsmessage.NewBuilder(nil, reply)
	builder.EnableCompression()
	if err := builder.StartQuestions(); err != nil {
		return nil
	}
	for _, question := range questions {
		if err := builder.Question(question); err != nil {
			return nil
		}
	}
	if err := builder.StartAnswers(); err != nil {
		return nil
	}
	if address.Is4() && questions[0].Class == dnsmessage.ClassINET &&
		(questions[0].Type == dnsmessage.TypeA || questions[0].Type == dnsmessage.TypeALL) {
		header := dnsmessage.ResourceHeader{Name: questions[0].Name, Class: dnsmessage.ClassINET, TTL: ttl}
		if err := builder.AResource(header, dnsmessage.AResource{A: address.As4()}); err != nil {
			return nil
		}
	}
	answer, err := builder.Finish()
	if err != nil {
		return nil
	}
	return answer
}
