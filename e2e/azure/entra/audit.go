package entra

import (
	"slices"
	"sync"
	"time"
)

// TokenRequest is the record of a request for a token. It never has the assertion or
// the token.
type TokenRequest struct {
	Time     time.Time `json:"time"`
	Host     string    `json:"host"`
	Tenant   string    `json:"tenant"`
	ClientID string    `json:"clientId,omitempty"`
	Scope    string    `json:"scope,omitempty"`
	// Of the assertion, when it could be read.
	Issuer   string `json:"issuer,omitempty"`
	Subject  string `json:"subject,omitempty"`
	Audience string `json:"audience,omitempty"`
	// Outcome is "ok", "fault", or OAuth's word for a refusal; Code is the AADSTS code.
	Outcome string `json:"outcome"`
	Code    int    `json:"code,omitempty"`
	Status  int    `json:"status"`
	// Detail is what Entra ID does not tell the client: why the issuer's keys could not
	// be fetched.
	Detail string `json:"detail,omitempty"`
}

// maxRecords bounds a log that a client in a loop could fill.
const maxRecords = 100_000

// TokenRequests returns the requests for tokens, the oldest first.
func (s *Service) TokenRequests() []TokenRequest { return s.requests.all() }

// ClearAudit forgets all requests.
func (s *Service) ClearAudit() { s.requests.clear() }

type tokenLog struct {
	mu      sync.Mutex
	records []TokenRequest
}

func (l *tokenLog) add(record TokenRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) == maxRecords {
		l.records = slices.Delete(l.records, 0, maxRecords/10)
	}
	l.records = append(l.records, record)
}

func (l *tokenLog) all() []TokenRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]TokenRequest{}, l.records...)
}

func (l *tokenLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = nil
}
