package keyvault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

func TestClassify(t *testing.T) {
	answer := func(status int, code string) error {
		return fmt.Errorf("wrapped: %w", &azcore.ResponseError{StatusCode: status, ErrorCode: code})
	}
	dial := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "dial", Err: err}}
	}
	now := time.Now()
	for name, tc := range map[string]struct {
		err  error
		want outcome
	}{
		"nothing":                   {nil, outcome{}},
		"no such secret":            {answer(404, "SecretNotFound"), outcome{absent: true}},
		"no such key":               {answer(404, "KeyNotFound"), outcome{absent: true}},
		"no such certificate":       {answer(404, "CertificateNotFound"), outcome{absent: true}},
		"another 404":               {answer(404, "NotFound"), outcome{reason: Unexpected}},
		"a proxy's 404":             {answer(404, ""), outcome{reason: Unexpected}},
		"400":                       {answer(400, "BadParameter"), outcome{reason: Unexpected}},
		"a redirect":                {answer(302, ""), outcome{reason: Unexpected}},
		"401":                       {answer(401, "Unauthorized"), outcome{reason: Unauthorized}},
		"403":                       {answer(403, "Forbidden"), outcome{reason: Forbidden}},
		"429":                       {answer(429, "Throttled"), outcome{reason: Throttled}},
		"500":                       {answer(500, ""), outcome{reason: Failing}},
		"503":                       {answer(503, ""), outcome{reason: Failing}},
		"the deadline":              {dial(context.DeadlineExceeded), outcome{reason: Slow}},
		"no token":                  {&azidentity.AuthenticationFailedError{}, outcome{reason: NoIdentity}},
		"another's certificate":     {&url.Error{Err: &tls.CertificateVerificationError{Err: errors.New("x")}}, outcome{reason: Untrusted}},
		"no such host":              {dial(&net.DNSError{IsNotFound: true}), outcome{reason: NoHost}},
		"a name server that sleeps": {dial(&net.DNSError{IsTimeout: true}), outcome{reason: Slow}},
		"a name server that fails":  {dial(&net.DNSError{}), outcome{reason: Unreachable}},
		"refused":                   {dial(syscall.ECONNREFUSED), outcome{reason: Unreachable}},
		"reset":                     {&url.Error{Err: syscall.ECONNRESET}, outcome{reason: Unreachable}},
		"cut off":                   {fmt.Errorf("body: %w", &brokenError{io.ErrUnexpectedEOF}), outcome{reason: Unreachable}},
		"anything else":             {errors.New("x"), outcome{reason: Unexpected}},
	} {
		if got := classify(t.Context(), tc.err, now); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if got := classify(ended, &azidentity.AuthenticationFailedError{}, now); got.reason != Slow {
		t.Errorf("a token that did not come in time: %+v", got)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "30", 30 * time.Second},
		{"Retry-After", "Wed, 01 Jul 2026 12:01:00 GMT", time.Minute},
		{"Retry-After", "Wed, 01 Jul 2026 11:00:00 GMT", 0},
		{"Retry-After", "99999999", maxRetryAfter},
		{"Retry-After", "99999999999999999999", 0},
		{"Retry-After", "-5", 0},
		{"Retry-After", "soon", 0},
		{"x-ms-retry-after-ms", "1500", 1500 * time.Millisecond},
		{"retry-after-ms", "20", 20 * time.Millisecond},
		{"Other", "30", 0},
	} {
		header := http.Header{}
		header.Set(tc.name, tc.value)
		if got := retryAfter(header, now); got != tc.want {
			t.Errorf("%s: %s: %s, want %s", tc.name, tc.value, got, tc.want)
		}
	}
}

// Every reason has words and a fix.
func TestReasonsAreExplained(t *testing.T) {
	for _, r := range []Reason{Invalid, NoIdentity, Unauthorized, Forbidden, Throttled, Failing, Unreachable, NoHost, Untrusted, Slow, Open, Limited, Unexpected} {
		e := &UnknownError{Vault: "payments-kv", Reason: r, Because: Throttled}
		if words[r] == "" || fixes[r] == "" || e.Why() == "" || e.Fix() == "" {
			t.Errorf("%s: %q, %q", r, e.Why(), e.Fix())
		}
	}
	page, err := os.ReadFile("../docs/vault-checks.md")
	if err != nil {
		t.Fatal(err)
	}
	for r := range words {
		if !strings.Contains(string(page), "`"+string(r)+"`") {
			t.Errorf("docs/vault-checks.md does not list %s", r)
		}
	}
	if len(words) != len(fixes) {
		t.Errorf("%d reasons have words and %d have a fix", len(words), len(fixes))
	}
	if got := ReasonOf(fmt.Errorf("wrapped: %w", &UnknownError{Reason: Slow})); got != Slow {
		t.Errorf("%s", got)
	}
	if got := ReasonOf(errors.New("x")); got != Unexpected {
		t.Errorf("%s", got)
	}
}

// A refusal for where the call came from is told apart from a lack of a role, by Key Vault's own words for it.
func TestFirewall(t *testing.T) {
	for inner, want := range map[string]bool{"ForbiddenByFirewall": true, "ForbiddenByConnection": true, "ForbiddenByRbac": false, "": false} {
		body := fmt.Sprintf(`{"error":{"code":"Forbidden","message":"no","innererror":{"code":%q}}}`, inner)
		err := runtime.NewResponseError(&http.Response{
			StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{},
			Request: &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "payments-kv.vault.azure.net"}},
		})
		if got := classify(t.Context(), err, time.Now()); got.reason != Forbidden || got.firewall != want {
			t.Errorf("%q: %+v", inner, got)
		}
	}
}
