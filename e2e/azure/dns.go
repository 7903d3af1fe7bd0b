package azure

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
	// dnsTTL is short, for vaults come and go.
	dnsTTL = 5
	// dnsIdle ends a TCP connection that asks nothing.
	dnsIdle = 30 * time.Second
	// dnsTries is for a free port that is free for both UDP and TCP.
	dnsTries = 20
)

// dnsServer answers for the hosts that lookup knows. All else does not exist: the
// world outside is not here.
type dnsServer struct {
	lookup  func(host string) (netip.Addr, bool)
	address netip.AddrPort
	delay   atomic.Int64 // a time.Duration

	udp     *net.UDPConn
	tcp     net.Listener
	ended   chan struct{}
	once    sync.Once
	serving sync.WaitGroup
}

func startDNS(ctx context.Context, address netip.AddrPort, lookup func(string) (netip.Addr, bool)) (*dnsServer, error) {
	d := &dnsServer{lookup: lookup, ended: make(chan struct{})}
	if err := d.listen(ctx, address); err != nil {
		return nil, fmt.Errorf("listen for DNS: %w", err)
	}
	d.serving.Go(d.serveUDP)
	d.serving.Go(d.serveTCP)
	return d, nil
}

func (d *dnsServer) listen(ctx context.Context, address netip.AddrPort) error {
	var err error
	for range dnsTries {
		if d.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(address)); err != nil {
			return err
		}
		d.address = d.udp.LocalAddr().(*net.UDPAddr).AddrPort()
		if d.tcp, err = (&net.ListenConfig{}).Listen(ctx, "tcp", d.address.String()); err == nil {
			return nil
		}
		d.udp.Close()
		if address.Port() != 0 {
			return err
		}
	}
	return err
}

func (d *dnsServer) close() (err error) {
	d.once.Do(func() {
		close(d.ended)
		err = errors.Join(d.udp.Close(), d.tcp.Close())
		d.serving.Wait()
	})
	return err
}

func (d *dnsServer) serveUDP() {
	buffer := make([]byte, 4096)
	for {
		n, from, err := d.udp.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if d.isEnded() {
				return
			}
			continue // such as an ICMP message about an earlier answer
		}
		question := append([]byte{}, buffer[:n]...)
		d.serving.Go(func() {
			if answer := d.answer(question); answer != nil {
				_, _ = d.udp.WriteToUDPAddrPort(answer, from) // who asked has gone, or asks again
			}
		})
	}
}

func (d *dnsServer) serveTCP() {
	for {
		conn, err := d.tcp.Accept()
		if err != nil {
			if d.isEnded() {
				return
			}
			continue
		}
		d.serving.Go(func() { d.serveConn(conn) })
	}
}

// serveConn answers the questions of a TCP connection, each with its length before it.
func (d *dnsServer) serveConn(conn net.Conn) {
	defer conn.Close()
	closed := make(chan struct{})
	defer close(closed)
	go func() {
		select {
		case <-d.ended:
			conn.Close()
		case <-closed:
		}
	}()
	for {
		if err := conn.SetReadDeadline(time.Now().Add(dnsIdle)); err != nil {
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
		answer := d.answer(question)
		if answer == nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (d *dnsServer) isEnded() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// answer makes the answer to a question; nil is none at all.
func (d *dnsServer) answer(message []byte) []byte {
	if delay := time.Duration(d.delay.Load()); delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-d.ended:
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
		if address, found = d.lookup(host); !found {
			reply.RCode = dnsmessage.RCodeNameError
		}
	}
	return pack(reply, questions, address)
}

// pack writes an answer. A host has one IPv4 address; that it has none of another
// type is an empty success, and not that there is no such host.
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
		header := dnsmessage.ResourceHeader{Name: questions[0].Name, Class: dnsmessage.ClassINET, TTL: dnsTTL}
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
