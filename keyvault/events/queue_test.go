package events

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// fakeQueue hands out its messages once; errors come first.
type fakeQueue struct {
	mu       sync.Mutex
	messages []string
	errs     []error
	deleted  []string
	calls    int
}

func (q *fakeQueue) DequeueMessages(_ context.Context, o *azqueue.DequeueMessagesOptions) (azqueue.DequeueMessagesResponse, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	var answer azqueue.DequeueMessagesResponse
	if len(q.errs) > 0 {
		err := q.errs[0]
		q.errs = q.errs[1:]
		return answer, err
	}
	n := min(len(q.messages), int(*o.NumberOfMessages))
	for _, text := range q.messages[:n] {
		answer.Messages = append(answer.Messages, &azqueue.DequeuedMessage{MessageText: &text, MessageID: new("id of " + text[:min(len(text), 8)]), PopReceipt: new("receipt")})
	}
	q.messages = q.messages[n:]
	return answer, nil
}

func (q *fakeQueue) DeleteMessage(_ context.Context, id, _ string, _ *azqueue.DeleteMessageOptions) (azqueue.DeleteMessageResponse, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deleted = append(q.deleted, id)
	return azqueue.DeleteMessageResponse{}, nil
}

func (q *fakeQueue) called() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.calls
}

func (q *fakeQueue) gone() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.deleted)
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeQueue{errs: []error{&azcore.ResponseError{StatusCode: http.StatusForbidden}, context.DeadlineExceeded}}
		for range 40 {
			fake.messages = append(fake.messages, base64.StdEncoding.EncodeToString([]byte(gridEvent("Secret", "Secret"))))
		}
		fake.messages = append(fake.messages, cloudEvent("SecretNearExpiry", "sample-kv", "x", ""), "no event at all")
		var heard atomic.Int32
		var leads atomic.Bool
		q := &Queue{queue: fake, leads: leads.Load, hear: func(Hint) { heard.Add(1) }, metrics: NewMetrics(prometheus.NewRegistry()), log: logr.Discard()}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- q.Start(ctx) }()
		time.Sleep(10 * time.Second)
		if n := fake.called(); n != 0 {
			t.Errorf("%d calls while nobody listens", n)
		}
		leads.Store(true)
		time.Sleep(7500 * time.Millisecond) // 1 s, then two pauses after the errors
		synctest.Wait()
		if heard.Load() != 40 || fake.gone() != 42 {
			t.Errorf("%d hints of 40, %d messages of 42 deleted", heard.Load(), fake.gone())
		}
		before := fake.called()
		time.Sleep(time.Minute)
		if n := fake.called() - before; n != 60 {
			t.Errorf("an empty queue was asked %d times in a minute", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for result, want := range map[string]float64{hint: 40, other: 1, unreadable: 1} {
			if got := testutil.ToFloat64(q.metrics.events.WithLabelValues(result)); got != want {
				t.Errorf("%s: want %v, got %v", result, want, got)
			}
		}
	})
}

func TestQueueProblem(t *testing.T) {
	for address, want := range map[string]string{
		"https://account1.queue.core.windows.net/key-vault-events":  "",
		"https://account1.queue.core.usgovcloudapi.net/q00":         "",
		"http://account1.queue.core.windows.net/events":             "https",
		"https://account1.queue.core.windows.net/events?sig=secret": "without a signature",
		"https://me@account1.queue.core.windows.net/events":         "https",
		"https://account1.queue.core.windows.net:8443/events":       "https",
		"https://account1.queue.core.windows.net.evil.example/q12":  "host is not",
		"https://queue.core.windows.net/events":                     "host is not",
		"https://Account_1.queue.core.windows.net/events":           "host is not",
		"https://account1.blob.core.windows.net/events":             "host is not",
		"https://account1.queue.core.windows.net/":                  "path is not",
		"https://account1.queue.core.windows.net/a/b/c":             "path is not",
		"https://account1.queue.core.windows.net/Events":            "path is not",
		"https://account1.queue.core.windows.net/a--b":              "path is not",
		"": "https",
	} {
		got := QueueProblem(address)
		if want == "" && got != "" || want != "" && !strings.Contains(got, want) {
			t.Errorf("%q: want %q, got %q", address, want, got)
		}
		if strings.Contains(got, "secret") {
			t.Errorf("a signature is in the message: %s", got)
		}
	}
}

func TestReason(t *testing.T) {
	reasons := []string{
		reason(nil), reason(&azcore.ResponseError{StatusCode: 403}), reason(&azcore.ResponseError{StatusCode: 404}), reason(&azcore.ResponseError{StatusCode: 503}), reason(context.Canceled),
	}
	want := []string{"", "forbidden: akv-injector's identity needs the role Storage Queue Data Message Processor at the queue", "there is no such queue", "status 503", "no answer, or no token for it"}
	if !slices.Equal(reasons, want) {
		t.Errorf("got %q", reasons)
	}
}
