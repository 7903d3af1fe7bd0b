// Package queue stands in for the queues of Azure Storage, as far as a reader with workload
// identity uses them: messages are taken, hidden for a while, and deleted.
package queue

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Service has the queues of all storage accounts. Its methods may be called at once.
type Service struct {
	authenticate func(ctx context.Context, bearer string) (principal string, err error)
	allowed      func(principal, account, queue, action string) bool
	now          func() time.Time

	mu       sync.Mutex
	accounts map[string]map[string]*messages
}

type messages struct{ all []*message }

type message struct {
	id, receipt, text string
	inserted, visible time.Time
	dequeued          int
}

// New returns a service without queues. authenticate checks a bearer token for storage, and allowed
// whether a principal may do an action at a queue.
func New(authenticate func(context.Context, string) (string, error), allowed func(principal, account, queue, action string) bool, now func() time.Time) *Service {
	return &Service{authenticate: authenticate, allowed: allowed, now: now, accounts: map[string]map[string]*messages{}}
}

// Create makes a queue, and its account if there is none.
func (s *Service) Create(account, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts[account] == nil {
		s.accounts[account] = map[string]*messages{}
	}
	if s.accounts[account][name] == nil {
		s.accounts[account][name] = &messages{}
	}
}

// HasAccount reports whether there is such a storage account.
func (s *Service) HasAccount(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[account] != nil
}

// Length is the number of messages in a queue, hidden ones too.
func (s *Service) Length(account, name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.accounts[account][name]; q != nil {
		return len(q.all)
	}
	return 0
}

// Put adds a message to a queue.
func (s *Service) Put(account, name, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.accounts[account][name]
	if q == nil {
		return fmt.Errorf("there is no queue %s in the storage account %s", name, account)
	}
	q.all = append(q.all, &message{id: uuid.NewString(), text: text, inserted: s.now(), visible: s.now()})
	return nil
}

// The data actions of the calls.
const process = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action"

// Serve answers a request to the queues of an account.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, account string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	w.Header().Set("X-Ms-Request-Id", uuid.NewString())
	w.Header().Set("X-Ms-Version", r.Header.Get("X-Ms-Version"))
	// Without a version storage takes the request for one of long ago, which knew no tokens.
	if r.Header.Get("X-Ms-Version") == "" {
		refuse(w, http.StatusBadRequest, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified: x-ms-version.")
		return
	}
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer authorization_uri=https://login.microsoftonline.com resource_id=https://storage.azure.com")
		refuse(w, http.StatusUnauthorized, "NoAuthenticationInformation", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.")
		return
	}
	principal, err := s.authenticate(r.Context(), bearer)
	if err != nil {
		refuse(w, http.StatusUnauthorized, "InvalidAuthenticationInfo", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.")
		return
	}
	if len(parts) < 2 || parts[1] != "messages" || len(parts) > 3 {
		refuse(w, http.StatusBadRequest, "InvalidUri", "The requested URI does not represent any resource on the server.")
		return
	}
	if !s.allowed(principal, account, parts[0], process) {
		refuse(w, http.StatusForbidden, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.accounts[account][parts[0]]
	switch {
	case q == nil:
		refuse(w, http.StatusNotFound, "QueueNotFound", "The specified queue does not exist.")
	case r.Method == http.MethodGet && len(parts) == 2:
		s.take(w, r, q)
	case r.Method == http.MethodDelete && len(parts) == 3:
		s.remove(w, q, parts[2], r.URL.Query().Get("popreceipt"))
	default:
		refuse(w, http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
	}
}

// list is the answer to a call that takes messages.
type list struct {
	XMLName  xml.Name `xml:"QueueMessagesList"`
	Messages []entry  `xml:"QueueMessage"`
}

type entry struct {
	ID       string `xml:"MessageId"`
	Inserted string `xml:"InsertionTime"`
	Expires  string `xml:"ExpirationTime"`
	Receipt  string `xml:"PopReceipt"`
	Next     string `xml:"TimeNextVisible"`
	Count    int    `xml:"DequeueCount"`
	Text     string `xml:"MessageText"`
}

func (s *Service) take(w http.ResponseWriter, r *http.Request, q *messages) {
	number, ok := inRange(r, "numofmessages", 1, 1, 32)
	hidden, okHidden := inRange(r, "visibilitytimeout", 30, 1, 7*24*3600)
	if !ok || !okHidden {
		refuse(w, http.StatusBadRequest, "OutOfRangeQueryParameterValue", "One of the query parameters specified in the request URI is outside the permissible range.")
		return
	}
	now := s.now()
	var answer list
	for _, m := range q.all {
		if len(answer.Messages) == number {
			break
		}
		if m.visible.After(now) {
			continue
		}
		m.visible = now.Add(time.Duration(hidden) * time.Second)
		m.receipt = uuid.NewString()
		m.dequeued++
		date := func(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
		answer.Messages = append(answer.Messages, entry{m.id, date(m.inserted), date(m.inserted.Add(7 * 24 * time.Hour)), m.receipt, date(m.visible), m.dequeued, m.text})
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write([]byte(xml.Header))
	_ = xml.NewEncoder(w).Encode(answer)
}

func inRange(r *http.Request, name string, usual, least, most int) (int, bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= least && n <= most
}

func (*Service) remove(w http.ResponseWriter, q *messages, id, receipt string) {
	for i, m := range q.all {
		if m.id != id {
			continue
		}
		if m.receipt != receipt || receipt == "" {
			refuse(w, http.StatusBadRequest, "PopReceiptMismatch", "The specified pop receipt did not match the pop receipt for a dequeued message.")
			return
		}
		q.all = append(q.all[:i], q.all[i+1:]...)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	refuse(w, http.StatusNotFound, "MessageNotFound", "The specified message does not exist.")
}

func refuse(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Ms-Error-Code", code)
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s<Error><Code>%s</Code><Message>%s</Message></Error>", xml.Header, code, text)
}
