package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// call is a request on its way.
type call struct {
	service *Service
	request *http.Request
	header  http.Header // of the answer
	query   url.Values
	host    host
	vault   string // the vault's name as it was created, or as the host has it
	target

	caller   Caller
	sent     []byte    // the body
	contents *contents // of the vault, while the service's lock is held
	status   int       // of a success
}

// ServeHTTP answers a request to the vault that the Host header names. It ends
// with a panic of [http.ErrAbortHandler] when nobody waits for the answer, or
// when a fault cuts the connection: that is how net/http wants it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{service: s, request: r, header: w.Header(), status: http.StatusOK}
	c.host = parseHost(r.Host)
	c.vault = c.host.vault
	c.target = parseTarget(r.Method, r.URL)
	known := s.canonical(&c.vault)
	entry := Call{
		Time: s.config.Now(), Vault: c.vault, Method: r.Method, Path: r.URL.Path,
		Action: c.action(), Object: c.object(),
	}
	c.commonHeaders()

	var fault *activeFault
	if known {
		fault = s.faults.take(fold(c.vault))
	}
	if fault != nil {
		if fault.wait(r.Context()) != nil {
			s.audit.add(entry)
			panic(http.ErrAbortHandler)
		}
		if fault.isCleared() {
			fault = nil
		}
	}
	var answer []byte
	var err error
	switch {
	case !known:
		err = c.noVault()
	case fault != nil && fault.Status != 0:
		err = c.refusal(fault)
	default:
		answer, err = c.answer(r.Context())
	}

	status, body := c.status, answer
	if err != nil {
		status, body = encodeError(err)
	}
	entry.Principal, entry.Status = c.caller.ObjectID, status
	s.audit.add(entry)
	if len(body) > 0 {
		c.header.Set("Content-Type", "application/json; charset=utf-8")
		c.header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if fault != nil && fault.Reset {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}

// canonical puts a vault's name into the form it was created with.
func (s *Service) canonical(name *string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.vaults[fold(*name)]
	if ok {
		*name = v.name
	}
	return ok
}

// noVault is for hosts that would have no address in Azure.
func (c *call) noVault() *StatusError {
	return &StatusError{
		Status:  http.StatusNotFound,
		Code:    "VaultNotFound",
		Message: fmt.Sprintf("There is no key vault at the host %q.", c.request.Host),
	}
}

// commonHeaders are those of every answer that a client looks at.
func (c *call) commonHeaders() {
	c.header.Set("Cache-Control", "no-cache")
	c.header.Set("X-Content-Type-Options", "nosniff")
	c.header.Set("X-Ms-Request-Id", newVersionID())
	if id := c.request.Header.Get("X-Ms-Client-Request-Id"); id != "" {
		c.header.Set("X-Ms-Client-Request-Id", id)
	}
}

// apiVersion is the form of all versions so far: 7.4, 7.6-preview.2, 2016-10-01.
var apiVersion = regexp.MustCompile(`^(\d\.\d+|\d{4}-\d{2}-\d{2})(-preview(\.\d+)?)?$`)

// answer does what a request asks for, in Azure's order: who, what, may they.
func (c *call) answer(ctx context.Context) ([]byte, error) {
	if err := c.authenticate(ctx); err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(c.request.URL.RawQuery)
	if err != nil {
		return nil, badParameter("The request URI has an invalid query.")
	}
	c.query = query
	switch version := query.Get("api-version"); {
	case version == "":
		return nil, badParameter("The query parameter api-version is required.")
	case !apiVersion.MatchString(version):
		return nil, badParameter("The api-version %q is not supported.", version)
	}
	if c.refused != nil {
		return nil, c.refused
	}
	if strings.Contains(c.route.path, "{name}") {
		if err := checkName(c.name); err != nil {
			return nil, err
		}
	}
	if err := c.authorize(); err != nil {
		return nil, err
	}
	if c.route.serve == nil {
		return nil, badParameter("%s %s is not offered by this stand-in for Key Vault.", c.request.Method, c.route.path)
	}
	if err := c.receive(); err != nil {
		return nil, err
	}
	return c.serve()
}

// serve runs the route's function with the service's lock held, and encodes what
// it gives before letting go: answers point into what is stored.
func (c *call) serve() ([]byte, error) {
	c.service.mu.Lock()
	defer c.service.mu.Unlock()
	if err := c.open(); err != nil {
		return nil, err
	}
	answer, err := c.route.serve(c)
	if err != nil || answer == nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// open finds the vault's contents once more: it may have been deleted.
func (c *call) open() error {
	v, ok := c.service.vaults[fold(c.vault)]
	if !ok {
		return c.noVault()
	}
	c.contents = v
	return nil
}

// unlocked runs what takes long without the service's lock, which it must be
// called with.
func (c *call) unlocked(work func() error) error {
	c.service.mu.Unlock()
	err := func() error {
		defer c.service.mu.Lock()
		return work()
	}()
	if err != nil {
		return err
	}
	return c.open()
}

// maxBody is more than any request here needs.
const maxBody = 1 << 20

// receive reads the body, which is done without a lock.
func (c *call) receive() error {
	if c.request.Body == nil {
		return nil
	}
	sent, err := io.ReadAll(io.LimitReader(c.request.Body, maxBody+1))
	if err != nil {
		return badParameter("The request's body could not be read.")
	}
	if len(sent) > maxBody {
		return badParameter("The request's body is too large: at most %d bytes are taken.", maxBody)
	}
	c.sent = sent
	return nil
}

// decode reads the body's JSON. What it says of a wrong one has none of it: it
// may be a secret.
func (c *call) decode(into any) error {
	err := json.Unmarshal(c.sent, into)
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mistyped) && mistyped.Field != "":
		return badParameter("Property '%s' has an invalid value.", mistyped.Field)
	case len(c.sent) == 0:
		return badParameter("The request's body is missing.")
	}
	return badParameter("The request's body is no valid JSON, or none that fits this request.")
}

func encodeError(err error) (int, []byte) {
	var refused *StatusError
	if !errors.As(err, &refused) {
		refused = &StatusError{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: err.Error()}
	}
	body, err := json.Marshal(refused.body())
	if err != nil {
		panic(err) // four strings
	}
	return refused.Status, body
}
