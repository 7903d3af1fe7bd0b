package vault

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// challenge tells a client where to get a token, and for what. SDK clients send
// a first request without one to learn it; they refuse a resource that is not
// the suffix of the vault's host.
func (c *call) challenge() string {
	return fmt.Sprintf(`Bearer authorization="%s/%s", resource="%s"`,
		strings.TrimSuffix(c.service.config.LoginEndpoint, "/"), c.service.config.TenantID, c.host.audience())
}

// authenticate finds out who calls.
func (c *call) authenticate(ctx context.Context) error {
	scheme, bearer, _ := strings.Cut(c.request.Header.Get("Authorization"), " ")
	bearer = strings.TrimSpace(bearer)
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		return c.unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
	}
	caller, err := c.service.config.Authenticate(ctx, bearer, c.host.audience())
	if err != nil {
		// The text is shown to the caller and ends in its logs: the token must not.
		return c.unauthorized(strings.ReplaceAll(err.Error(), bearer, "[token]"))
	}
	c.caller = caller
	return nil
}

func (c *call) unauthorized(message string) *StatusError {
	c.header.Set("WWW-Authenticate", c.challenge())
	return &StatusError{Status: http.StatusUnauthorized, Code: "Unauthorized", Message: message}
}

// authorize asks for the right that the request takes.
func (c *call) authorize() error {
	if c.service.config.Allowed(c.caller.ObjectID, c.vault, c.object(), c.action()) {
		return nil
	}
	resource := c.service.config.Resource(c.vault)
	scope := resource.ID
	if object := c.object(); object != "" {
		scope += "/" + object
	}
	return &StatusError{
		Status: http.StatusForbidden,
		Code:   "Forbidden",
		Inner:  "ForbiddenByRbac",
		Message: strings.Join([]string{
			"Caller is not authorized to perform action on resource.",
			"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
			fmt.Sprintf("Caller: appid=%s;oid=%s;iss=%s", c.caller.AppID, c.caller.ObjectID, c.caller.Issuer),
			fmt.Sprintf("Action: '%s'", c.action()),
			fmt.Sprintf("Resource: '%s'", fold(scope)), // Azure writes it in lower case
			"Assignment: (not found)",
			"DenyAssignmentId: null",
			"DecisionReason: 'DeniedWithNoValidRBAC' ",
			fmt.Sprintf("Vault: %s;location=%s", c.vault, resource.Location),
			"",
		}, "\r\n"),
	}
}
