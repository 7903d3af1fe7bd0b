package entra

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"akv-injector/e2e/azure/reply"

	"github.com/google/uuid"
)

// oauthError is a refusal by Entra ID. The texts are Azure's own, taken from reports
// that quote them: people search for them, and our documentation repeats them.
type oauthError struct {
	status int
	kind   string // OAuth's "error"
	code   int
	text   string
}

func (e *oauthError) Error() string { return fmt.Sprintf("AADSTS%d: %s", e.code, e.text) }

func invalidRequest(code int, format string, args ...any) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_request", code, fmt.Sprintf(format, args...)}
}

func invalidScope(code int, format string, args ...any) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_scope", code, fmt.Sprintf(format, args...)}
}

func invalidClient(code int, format string, args ...any) *oauthError {
	return &oauthError{http.StatusUnauthorized, "invalid_client", code, fmt.Sprintf(format, args...)}
}

// What is wrong with the address.

func invalidInstance() *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_instance", 50049, "Unknown or invalid instance."}
}

func invalidTenantName(tenant string) *oauthError {
	return invalidRequest(900023, "Specified tenant identifier '%s' is neither a valid DNS name, nor a valid external domain.", tenant)
}

func tenantNotFound(tenant string) *oauthError {
	return invalidRequest(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", tenant)
}

func onlyPost(method string) *oauthError {
	return invalidRequest(900561, "The endpoint only accepts POST requests. Received a %s request.", method)
}

// What is wrong with the form.

func missingParameter(name string) *oauthError {
	return invalidRequest(900144, "The request body must contain the following parameter: '%s'.", name)
}

func unsupportedGrant(grant string) *oauthError {
	return &oauthError{http.StatusBadRequest, "unsupported_grant_type", 70003, fmt.Sprintf("The app requested an unsupported grant type '%s'.", grant)}
}

func scopeNotValid(scope string) *oauthError {
	return invalidScope(70011, "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", scope)
}

func scopeWithoutDefault(scope string) *oauthError {
	return invalidScope(1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", scope)
}

func resourceNotFound(resource, tenant string) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_resource", 500011, fmt.Sprintf("The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", resource, tenant)}
}

// What is wrong with the client.

func applicationNotFound(client, tenant string) *oauthError {
	return &oauthError{http.StatusBadRequest, "unauthorized_client", 700016, fmt.Sprintf("Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", client, tenant)}
}

func missingAssertion() *oauthError {
	return invalidClient(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
}

func invalidSecret(client string) *oauthError {
	return invalidClient(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", client)
}

// What is wrong with the assertion.

func malformedAssertion(reason string) *oauthError {
	return invalidClient(50027, "JWT token is invalid or malformed. %s", reason)
}

func outOfTime(now, from, until time.Time) *oauthError {
	const form = "2006-01-02T15:04:05.0000000Z"
	return invalidClient(700024, "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
		now.UTC().Format(form), from.UTC().Format(form), until.UTC().Format(form))
}

const checkFederation = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"

func noFederation(client, name string) *oauthError {
	return invalidClient(70025, "The client '%s'(%s) has no configured federated identity credentials.", client, name)
}

func noMatch(issuer, subject, audience string) *oauthError {
	return invalidClient(70021, "No matching federated identity record found for presented assertion. Assertion Issuer: '%s'. Assertion Subject: '%s'. Assertion Audience: '%s'. https://learn.microsoft.com/entra/workload-id/workload-identity-federation", issuer, subject, audience)
}

func noIssuer(issuer string) *oauthError {
	return invalidClient(700211, "No matching federated identity record found for presented assertion issuer '%s'. %s", issuer, checkFederation)
}

func noAudience(audience string) *oauthError {
	return invalidClient(700212, "No matching federated identity record found for presented assertion audience '%s'. %s", audience, checkFederation)
}

func noSubject(subject string) *oauthError {
	return invalidClient(700213, "No matching federated identity record found for presented assertion subject '%s'. %s", subject, checkFederation)
}

func subjectInOtherCase(subject string) *oauthError {
	return invalidClient(7002138, "No matching federated identity record found for presented assertion subject '%s'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison. %s", subject, checkFederation)
}

func issuerUnreachable() *oauthError {
	return invalidRequest(501661, "Request to External OIDC endpoint failed.")
}

func unknownKey(key, issuer string) *oauthError {
	return invalidClient(7000272, "The certificate with identifier %s used to sign the federated credential could not be found in the metadata of identity provider %s. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token.", key, issuer)
}

func wrongSignature(key, client string) *oauthError {
	return invalidClient(700027, "Client assertion contains an invalid signature. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '%s', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '%s'.]", key, client)
}

// refuse answers as Entra ID does: with the code in the text and on its own, and with
// the ids that Azure's support asks for.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, refusal *oauthError) {
	correlation := r.Header.Get("client-request-id")
	if uuid.Validate(correlation) != nil {
		correlation = uuid.NewString()
	}
	trace := uuid.NewString()
	timestamp := s.now().UTC().Format("2006-01-02 15:04:05Z")
	reply.JSON(w, refusal.status, map[string]any{
		"error":             refusal.kind,
		"error_description": fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s", refusal.Error(), trace, correlation, timestamp),
		"error_codes":       []int{refusal.code},
		"timestamp":         timestamp,
		"trace_id":          trace,
		"correlation_id":    correlation,
		"error_uri":         fmt.Sprintf("%s/error?code=%d", s.cloud.LoginEndpoint(), refusal.code),
	})
}

// firstSegment is the first part of a URL's path.
func firstSegment(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}
