package compare

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Target is a webhook that is asked.
type Target struct {
	// Address, as host and port, and Path of the webhook.
	Address, Path string
	// CA that has signed its certificate.
	CA []byte
}

// Load is what a webhook is asked, and how.
type Load struct {
	Reviews     *Reviews
	Connections int
	Duration    time.Duration
	// Rate in requests a second; 0 is as many as are answered.
	Rate float64
}

// Answered is what came of a load.
type Answered struct {
	Count   int
	Elapsed time.Duration
	// Latencies in ascending order. At a rate they count from when the request was due, so that a server that
	// holds up its callers is not flattered.
	Latencies []time.Duration
}

// Quantile of the latencies, 0.5 for the median.
func (a *Answered) Quantile(q float64) time.Duration {
	if len(a.Latencies) == 0 {
		return 0
	}
	return a.Latencies[min(len(a.Latencies)-1, int(q*float64(len(a.Latencies))))]
}

// connection is a connection that is kept alive. Requests are written as bytes that were made before: what the
// generator costs is taken from the servers on a small machine.
type connection struct {
	target  *Target
	tls     *tls.Conn
	reader  *bufio.Reader
	request []byte
}

func dial(ctx context.Context, target *Target) (*connection, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(target.CA) {
		return nil, fmt.Errorf("the CA of %s is no certificate", target.Address)
	}
	dialer := &tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: "127.0.0.1", NextProtos: []string{"http/1.1"}}}
	conn, err := dialer.DialContext(ctx, "tcp", target.Address)
	if err != nil {
		return nil, err
	}
	secure, _ := conn.(*tls.Conn)
	return &connection{target: target, tls: secure, reader: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// ask sends the review with a number, and returns the answer's body if it is wanted.
func (c *connection) ask(reviews *Reviews, number int, wanted bool) ([]byte, error) {
	c.request = append(c.request[:0], "POST "...)
	c.request = append(c.request, c.target.Path...)
	c.request = append(c.request, "?timeout=10s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json, */*\r\nContent-Length: "...)
	c.request = strconv.AppendInt(c.request, int64(reviews.Size(number)), 10)
	c.request = append(c.request, "\r\n\r\n"...)
	c.request = reviews.Append(c.request, number)
	if _, err := c.tls.Write(c.request); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if wanted || response.StatusCode != http.StatusOK {
		_, err = body.ReadFrom(response.Body)
	} else {
		_, err = io.Copy(io.Discard, response.Body)
	}
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s%s answers %s: %.300s", c.target.Address, c.target.Path, response.Status, body.Bytes())
	}
	return body.Bytes(), err
}

// Ask sends one review, and returns the answer.
func Ask(ctx context.Context, target *Target, reviews *Reviews, number int) ([]byte, error) {
	c, err := dial(ctx, target)
	if err != nil {
		return nil, err
	}
	defer c.tls.Close()
	return c.ask(reviews, number, true)
}

// Put puts a load on a webhook. The first error ends it.
func Put(ctx context.Context, target *Target, load Load) (*Answered, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	connections := make([]*connection, load.Connections)
	for i := range connections {
		c, err := dial(ctx, target)
		if err != nil {
			return nil, err
		}
		defer c.tls.Close()
		connections[i] = c
	}
	var (
		number atomic.Int64
		wait   sync.WaitGroup
		mutex  sync.Mutex
		first  error
		answer = &Answered{}
		began  = time.Now()
	)
	for i, c := range connections {
		wait.Go(func() {
			latencies, err := c.run(ctx, load, &number, i, began)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil && first == nil {
				first = err
				cancel()
			}
			answer.Latencies = append(answer.Latencies, latencies...)
		})
	}
	wait.Wait()
	answer.Elapsed = time.Since(began)
	answer.Count = len(answer.Latencies)
	slices.Sort(answer.Latencies)
	return answer, first
}

// run asks until the time is over.
func (c *connection) run(ctx context.Context, load Load, number *atomic.Int64, index int, began time.Time) (latencies []time.Duration, err error) {
	var every time.Duration
	due := began
	if load.Rate > 0 {
		every = time.Duration(float64(load.Connections) / load.Rate * float64(time.Second))
		due = due.Add(every * time.Duration(index) / time.Duration(load.Connections))
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if every > 0 {
			timer.Reset(time.Until(due))
			select {
			case <-ctx.Done():
				return latencies, nil
			case <-timer.C:
			}
		} else {
			due = time.Now()
		}
		if time.Since(began) >= load.Duration || ctx.Err() != nil {
			return latencies, nil
		}
		if _, err := c.ask(load.Reviews, int(number.Add(1)), false); err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(due))
		due = due.Add(every)
	}
}

// Reach reports whether a webhook takes connections.
func Reach(ctx context.Context, target *Target) error {
	c, err := dial(ctx, target)
	if err != nil {
		return err
	}
	return c.tls.Close()
}
