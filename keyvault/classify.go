package keyvault

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// outcome is what came of a call: nothing wrong, no such object, or a reason why nothing
// is known.
type outcome struct {
	reason Reason
	absent bool
	// firewall says of Forbidden that it was the vault's network rules, and no lack of a role.
	firewall bool
	// retryAfter is how long the vault wants to be left alone, 0 if it does not say.
	retryAfter time.Duration
}

// classify reads an error of the SDK. Its text is not looked at: it holds what the server
// sent.
func classify(ctx context.Context, err error, now time.Time) outcome {
	if err == nil {
		return outcome{}
	}
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return classifyAnswer(answer, now)
	}
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return outcome{reason: Slow}
	}
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return outcome{reason: NoIdentity}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return outcome{reason: Untrusted}
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case name.IsNotFound:
			return outcome{reason: NoHost}
		case name.IsTimeout:
			return outcome{reason: Slow}
		}
		return outcome{reason: Unreachable}
	}
	if failure, ok := errors.AsType[net.Error](err); ok && failure.Timeout() {
		return outcome{reason: Slow}
	}
	_, called := errors.AsType[*url.Error](err)
	_, broke := errors.AsType[*brokenError](err)
	if called || broke {
		return outcome{reason: Unreachable}
	}
	// What azidentity says where no source of an identity is at hand has no type that
	// others can name, but its kind does.
	if _, ok := errors.AsType[interface {
		error
		NonRetriable()
	}](err); ok {
		return outcome{reason: NoIdentity}
	}
	return outcome{reason: Unexpected}
}

// notFound are the codes by which a vault itself says that it has no such object. Any
// other 404 is a proxy's or another server's.
var notFound = map[string]bool{"SecretNotFound": true, "KeyNotFound": true, "CertificateNotFound": true}

func classifyAnswer(answer *azcore.ResponseError, now time.Time) outcome {
	o := outcome{reason: Unexpected}
	switch code := answer.StatusCode; {
	case code == http.StatusNotFound && notFound[answer.ErrorCode]:
		return outcome{absent: true}
	case code == http.StatusUnauthorized:
		o.reason = Unauthorized
	case code == http.StatusForbidden:
		o.reason, o.firewall = Forbidden, byNetwork(answer)
	case code == http.StatusTooManyRequests:
		o.reason = Throttled
	case code >= http.StatusInternalServerError:
		o.reason = Failing
	}
	if answer.RawResponse != nil {
		o.retryAfter = retryAfter(answer.RawResponse.Header, now)
	}
	return o
}

// byNetwork reports whether a vault refused for where the call came from. Of what the server sent, only these words of Key Vault count.
func byNetwork(answer *azcore.ResponseError) bool {
	said := answer.Error()
	return strings.Contains(said, "ForbiddenByFirewall") || strings.Contains(said, "ForbiddenByConnection")
}

// maxRetryAfter is the longest that a vault is left alone on its own word.
const maxRetryAfter = 10 * time.Minute

// retryAfter reads the headers by which Azure says when to come back (RFC 9110 and its
// own in milliseconds).
func retryAfter(header http.Header, now time.Time) time.Duration {
	bound := func(d time.Duration) time.Duration { return min(max(d, 0), maxRetryAfter) }
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms"} {
		if ms, err := strconv.ParseUint(header.Get(name), 10, 31); err == nil {
			return bound(time.Duration(ms) * time.Millisecond)
		}
	}
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return bound(time.Duration(seconds) * time.Second)
	}
	if date, err := http.ParseTime(value); err == nil {
		return bound(date.Sub(now))
	}
	return 0
}
