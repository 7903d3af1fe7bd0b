package admission_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A replica that is told to stop is unready at once, answers what still comes for a
// while, then what is under way, and ends well.
func TestGracefulEnd(t *testing.T) {
	t.Parallel()
	options := installed()
	options.Args = []string{"--shutdown-delay=5s"}
	s := own(t, options)
	namespace := s.namespace(t)
	replica := s.Injector.Replicas()[0]
	review := reviewOf(namespace, podWith(t, nil))

	slow := s.beginRequest(t, replica.Address(), review)
	if err := replica.Process().Terminate(); err != nil {
		t.Fatal(err)
	}
	soon.Require(t, "the replica to say that it is stopping", func(ctx context.Context) (bool, string) {
		ready, answer := replica.Ready(ctx)
		return !ready && strings.Contains(answer, "stopping"), fmt.Sprintf("ready %t: %s", ready, answer)
	})
	// An API server that keeps its connections would lose a request with the last of them.
	if !s.closes(t, replica.Address(), review) {
		t.Error("the connection is kept for a next request")
	}
	// In the meantime API servers that have not heard of it get their answers.
	if a := s.mustAdmit(t, request{namespace: namespace, pod: askingPod("meanwhile")}); a.pod.GetLabels()["azure.keyvault.injector/injected"] != "true" {
		t.Error("a pod of the time between is not injected")
	}
	soon.Require(t, "new connections to be refused", func(context.Context) (bool, string) {
		conn, err := net.DialTimeout("tcp", replica.Address(), time.Second)
		if err == nil {
			conn.Close()
		}
		return err != nil, "they are accepted"
	})
	select {
	case <-replica.Process().Exited():
		t.Fatal("ended with a request under way")
	default:
	}
	if status := slow.finish(t); status != http.StatusOK {
		t.Errorf("the request that was under way: HTTP %d", status)
	}
	select {
	case <-replica.Process().Exited():
	case <-time.After(patience):
		t.Fatal("does not end")
	}
	if code := replica.Process().ExitCode(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for line := range strings.Lines(replica.Log()) {
		// controller-runtime (0.25.2) reports the lease that it gave back itself.
		if strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, "leader election lost") {
			t.Errorf("an error on the way: %s", line)
		}
	}
}

// closes reports whether the replica ends the connection with its answer.
func (s *system) closes(t *testing.T, address, body string) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+paths[0], strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := s.httpClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("during the drain: HTTP %d", response.StatusCode)
	}
	return response.Close
}

// slowRequest is one whose body has half arrived.
type slowRequest struct {
	conn *tls.Conn
	rest string
}

func (s *system) beginRequest(t *testing.T, address, body string) *slowRequest {
	t.Helper()
	conn, err := tls.Dial("tcp", address, s.clientTLS(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	half := len(body) / 2
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: akv\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		paths[0], len(body), body[:half])
	if err != nil {
		t.Fatal(err)
	}
	return &slowRequest{conn: conn, rest: body[half:]}
}

func (r *slowRequest) finish(t *testing.T) (status int) {
	t.Helper()
	if _, err := r.conn.Write([]byte(r.rest)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(r.conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
