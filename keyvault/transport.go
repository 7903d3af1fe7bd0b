package keyvault

import (
	"errors"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// maxAnswer is far more than a page of 25 versions with all their tags has. The SDK reads
// answers whole.
const maxAnswer = 1 << 20

var errAnswerTooLarge = errors.New("the answer is larger than any of Key Vault's")

// bounded carries calls as another transport does, and cuts answers that do not end.
type bounded struct{ policy.Transporter }

func (b bounded) Do(req *http.Request) (*http.Response, error) {
	resp, err := b.Transporter.Do(req)
	if resp != nil && resp.Body != nil {
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxAnswer}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errAnswerTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		err = &brokenError{err}
	}
	return n, err
}

// brokenError is of a connection that broke in the middle of an answer. Each version of
// HTTP has errors of its own for it, which have no name that others could use.
type brokenError struct{ error }

func (e *brokenError) Unwrap() error { return e.error }

// newTransport is the standard library's with more connections kept for each host: a
// pod's objects are asked for side by side.
func newTransport() policy.Transporter {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = callsAtOnce
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		// Key Vault sends no redirects, and a token goes to no other host.
		return http.ErrUseLastResponse
	}}
}
