package entra

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/reply"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// serveToken exchanges an assertion, such as a pod's service account token, for an
// access token of the identity that the assertion may stand for.
func (s *Service) serveToken(w http.ResponseWriter, r *http.Request) {
	entry := TokenRequest{Time: s.now(), Host: cloud.HostOf(r), Tenant: r.PathValue("tenant")}
	defer func() { s.requests.add(entry) }()
	if status, answered := s.fault.apply(w, r); answered {
		entry.Outcome, entry.Status = "fault", status
		return
	}
	token, lifetime, refusal := s.exchange(w, r, &entry)
	if refusal != nil {
		entry.Outcome, entry.Code, entry.Status = refusal.kind, refusal.code, refusal.status
		s.refuse(w, r, refusal)
		return
	}
	entry.Outcome, entry.Status = "ok", http.StatusOK
	seconds := int64(lifetime / time.Second)
	reply.JSON(w, http.StatusOK, map[string]any{
		"token_type":     "Bearer",
		"expires_in":     seconds,
		"ext_expires_in": seconds,
		"access_token":   token,
	})
}

// exchange checks a request in Entra ID's order, and fills in the log's entry as it
// goes.
func (s *Service) exchange(w http.ResponseWriter, r *http.Request, entry *TokenRequest) (token string, lifetime time.Duration, _ *oauthError) {
	tenant, refusal := s.tenant(r)
	if refusal != nil {
		return "", 0, refusal
	}
	if r.Method != http.MethodPost {
		return "", 0, onlyPost(r.Method)
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.maxBodyBytes)
	// A body that is no form is one without parameters; so it is for Entra ID.
	_ = r.ParseForm()
	form := r.PostForm
	entry.ClientID, entry.Scope = form.Get("client_id"), form.Get("scope")
	for _, name := range []string{"grant_type", "client_id", "scope"} {
		if form.Get(name) == "" {
			return "", 0, missingParameter(name)
		}
	}
	if grant := form.Get("grant_type"); grant != "client_credentials" {
		return "", 0, unsupportedGrant(grant)
	}
	audience, refusal := s.resource(form.Get("scope"), tenant)
	if refusal != nil {
		return "", 0, refusal
	}
	client, federated, ok := s.subscription.Client(form.Get("client_id"))
	if !ok || !strings.EqualFold(client.TenantID, tenant) {
		return "", 0, applicationNotFound(form.Get("client_id"), tenant)
	}
	raw, refusal := assertion(form, client.ClientID)
	if refusal != nil {
		return "", 0, refusal
	}
	if refusal := s.verify(r.Context(), raw, client, federated, entry); refusal != nil {
		return "", 0, refusal
	}
	lifetime = time.Duration(s.lifetime.Load())
	token, err := s.accessToken(client, audience, lifetime)
	if err != nil {
		return "", 0, &oauthError{http.StatusInternalServerError, "server_error", 90033, "A transient error has occurred. Please try again."}
	}
	return token, lifetime, nil
}

// resource finds the resource that the token is for: Key Vault and storage are all there is here.
func (s *Service) resource(scopes, tenant string) (audience string, _ *oauthError) {
	var resources []string
	for scope := range strings.FieldsSeq(scopes) {
		switch scope {
		case "openid", "profile", "offline_access": // MSAL adds them
		default:
			resources = append(resources, scope)
		}
	}
	if len(resources) != 1 {
		return "", scopeNotValid(scopes)
	}
	scope := resources[0]
	if parsed, err := url.Parse(scope); err != nil || parsed.Scheme == "" || parsed.Host == "" {
		return "", scopeNotValid(scope)
	}
	resource, ok := strings.CutSuffix(scope, "/.default")
	if !ok {
		return "", scopeWithoutDefault(scope)
	}
	// The audience is copied from the request: https://vault.azure.net//.default gives a
	// token for https://vault.azure.net/, which no vault accepts.
	if name := strings.TrimSuffix(resource, "/"); name != s.cloud.VaultAudience() && name != cloud.StorageAudience {
		return "", resourceNotFound(resource, tenant)
	}
	return resource, nil
}

// assertion reads the assertion from the form. A managed identity has no secret, so
// every secret is wrong.
func assertion(form url.Values, client string) (string, *oauthError) {
	raw := form.Get("client_assertion")
	switch {
	case raw == "" && form.Get("client_secret") != "":
		return "", invalidSecret(client)
	case raw == "":
		return "", missingAssertion()
	case form.Get("client_assertion_type") == "":
		return "", missingParameter("client_assertion_type")
	case form.Get("client_assertion_type") != assertionType:
		return "", invalidRequest(90014, "The value '%s' of the field 'client_assertion_type' is not supported; it must be '%s'.", form.Get("client_assertion_type"), assertionType)
	}
	return raw, nil
}
