package events

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue"
	"github.com/go-logr/logr"

	"akv-injector/keyvault"
)

const (
	// batch is the most that a queue gives at once.
	batch = 32
	// hidden is for how long nobody else gets what was taken: it is deleted long before.
	hidden = 30 * time.Second
	// pollEvery is the pause after an empty answer. A queue has no way to wait for a message.
	pollEvery = time.Second
	// firstPause and lastPause are after an error.
	firstPause = 2 * time.Second
	lastPause  = time.Minute
	// callTimeout is for one call.
	callTimeout = 10 * time.Second
)

// queueSuffixes follow a storage account's name, by cloud.
var queueSuffixes = []string{".queue.core.windows.net", ".queue.core.usgovcloudapi.net", ".queue.core.chinacloudapi.cn", ".queue.core.cloudapi.de"}

var (
	accountName = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	queueName   = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)
)

// QueueProblem says what is wrong with the address of a queue, or nothing.
func QueueProblem(address string) string {
	const shape = "write https://ACCOUNT.queue.core.windows.net/QUEUE"
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Port() != "" {
		return "not the https address of a storage queue without a signature (workload identity reads it); " + shape
	}
	i := strings.IndexByte(u.Host, '.')
	if i < 0 || !slices.Contains(queueSuffixes, u.Host[i:]) || !accountName.MatchString(u.Host[:i]) {
		return "its host is not a storage account's for queues; " + shape
	}
	if name := strings.TrimPrefix(u.Path, "/"); len(name) > 63 || !queueName.MatchString(name) {
		return "its path is not one queue's name; " + shape
	}
	return ""
}

// queue is what is used of a queue: azqueue.QueueClient is one.
type queue interface {
	DequeueMessages(ctx context.Context, o *azqueue.DequeueMessagesOptions) (azqueue.DequeueMessagesResponse, error)
	DeleteMessage(ctx context.Context, id, popReceipt string, o *azqueue.DeleteMessageOptions) (azqueue.DeleteMessageResponse, error)
}

// Queue takes events from a storage queue that Event Grid delivers to. It runs on the leader, and
// is a manager.Runnable.
type Queue struct {
	queue queue
	// leads reports whether anybody listens. Until then messages stay where they are.
	leads   func() bool
	hear    func(Hint)
	metrics *Metrics
	log     logr.Logger
}

// NewQueue makes a client of the queue at an address that QueueProblem finds nothing wrong with.
// hear is called for each hint, from the moment that leads reports true. It is an error if the program
// has no workload identity.
func NewQueue(address string, leads func() bool, hear func(Hint), m *Metrics, log logr.Logger) (*Queue, error) {
	options := policy.ClientOptions{
		Telemetry: policy.TelemetryOptions{ApplicationID: "akv-injector-events"},
		Retry:     policy.RetryOptions{MaxRetries: -1}, // the next poll comes soon enough
	}
	credential, err := keyvault.WorkloadIdentity(options)
	if err != nil {
		return nil, fmt.Errorf("there is no workload identity to read it with: %w", err)
	}
	client, err := azqueue.NewQueueClient(address, credential, &azqueue.ClientOptions{ClientOptions: options})
	if err != nil {
		return nil, fmt.Errorf("client for the queue: %w", err)
	}
	return &Queue{queue: client, leads: leads, hear: hear, metrics: m, log: log}, nil
}

// NeedLeaderElection is true: what one replica takes, the others do not see.
func (*Queue) NeedLeaderElection() bool { return true }

// Start reads the queue until ctx ends.
func (q *Queue) Start(ctx context.Context) error {
	q.log.Info("events are read from a storage queue")
	timer := time.NewTimer(0)
	defer timer.Stop()
	said, pause := "", time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if !q.leads() {
			timer.Reset(pollEvery)
			continue
		}
		n, err := q.poll(ctx)
		if ctx.Err() != nil {
			return nil
		}
		now := reason(err)
		if now != said && now != "" {
			q.log.Info("the queue cannot be read, and new versions are found as without it. It is tried again", "reason", now)
		} else if now != said {
			q.log.Info("the queue can be read again")
		}
		said = now
		switch {
		case err != nil:
			pause = min(lastPause, max(firstPause, 2*pause))
			timer.Reset(pause)
		case n == batch:
			pause = 0
			timer.Reset(0)
		default:
			pause = 0
			timer.Reset(pollEvery)
		}
	}
}

// poll takes what there is, at most a batch of it.
func (q *Queue) poll(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	number, seconds := int32(batch), int32(hidden.Seconds())
	answer, err := q.queue.DequeueMessages(ctx, &azqueue.DequeueMessagesOptions{NumberOfMessages: &number, VisibilityTimeout: &seconds})
	if err != nil {
		q.metrics.polls.WithLabelValues("failed").Inc()
		return 0, err
	}
	q.metrics.polls.WithLabelValues("answered").Inc()
	for _, m := range answer.Messages {
		if m == nil {
			continue
		}
		if m.MessageText != nil {
			q.take(*m.MessageText)
		}
		if m.MessageID == nil || m.PopReceipt == nil {
			continue
		}
		// It is deleted whatever was in it: nobody else reads this queue, and a hint that is lost
		// costs no more than the asked interval.
		if _, err := q.queue.DeleteMessage(ctx, *m.MessageID, *m.PopReceipt, nil); err != nil {
			return 0, err
		}
	}
	return len(answer.Messages), nil
}

// take reads a message: Event Grid writes an event in base64.
func (q *Queue) take(text string) {
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		body = []byte(text) // somebody's who writes plain JSON
	}
	hints, err := Parse(body)
	q.metrics.count(hints, err)
	for _, h := range hints {
		q.hear(h)
	}
}

// reason is an error in words of ours: its own text holds what the server sent.
func reason(err error) string {
	if err == nil {
		return ""
	}
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	switch {
	case !ok:
		return "no answer, or no token for it"
	case answer.StatusCode == http.StatusForbidden:
		return "forbidden: akv-injector's identity needs the role Storage Queue Data Message Processor at the queue"
	case answer.StatusCode == http.StatusNotFound:
		return "there is no such queue"
	default:
		return fmt.Sprintf("status %d", answer.StatusCode)
	}
}
