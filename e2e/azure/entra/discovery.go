package entra

import (
	"net/http"
	"net/url"

	"github.com/go-jose/go-jose/v4"

	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/reply"
)

// serveInstance lists the hosts that a client may send its credentials to, and where
// the tenant's documents are. MSAL asks before it sends a secret to a host that is not
// in its own list.
func (s *Service) serveInstance(w http.ResponseWriter, r *http.Request) {
	endpoint, err := url.Parse(r.URL.Query().Get("authorization_endpoint"))
	if err != nil || endpoint.Scheme != "https" || !cloud.IsLogin(endpoint.Hostname()) {
		s.refuse(w, r, invalidInstance())
		return
	}
	type metadata struct {
		PreferredNetwork string   `json:"preferred_network"`
		PreferredCache   string   `json:"preferred_cache"`
		Aliases          []string `json:"aliases"`
	}
	answer := struct {
		TenantDiscoveryEndpoint string     `json:"tenant_discovery_endpoint"`
		APIVersion              string     `json:"api-version"`
		Metadata                []metadata `json:"metadata"`
	}{APIVersion: "1.1"}
	tenant := firstSegment(endpoint.Path)
	answer.TenantDiscoveryEndpoint = "https://" + endpoint.Host + "/" + tenant + "/v2.0/.well-known/openid-configuration"
	for _, name := range []cloud.Name{cloud.Public, cloud.China, cloud.German, cloud.USGovernment} {
		hosts, _ := name.Hosts()
		login := hosts.Login
		answer.Metadata = append(answer.Metadata, metadata{PreferredNetwork: login[0], PreferredCache: login[0], Aliases: login})
	}
	reply.JSON(w, http.StatusOK, answer)
}

func (s *Service) serveConfiguration(w http.ResponseWriter, r *http.Request) {
	tenant, refusal := s.tenant(r)
	if refusal != nil {
		s.refuse(w, r, refusal)
		return
	}
	// Every alias answers with the host that the cloud prefers.
	base := s.cloud.LoginEndpoint() + "/" + tenant
	reply.JSON(w, http.StatusOK, map[string]any{
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"issuer":                                base + "/v2.0",
		"request_uri_parameter_supported":       false,
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"device_authorization_endpoint":         base + "/oauth2/v2.0/devicecode",
		"http_logout_supported":                 true,
		"frontchannel_logout_supported":         true,
		"end_session_endpoint":                  base + "/oauth2/v2.0/logout",
		"claims_supported":                      []string{"sub", "iss", "aud", "exp", "iat", "tid", "ver"},
		"cloud_instance_name":                   s.cloud.Login[0],
	})
}

func (s *Service) serveKeys(w http.ResponseWriter, r *http.Request) {
	if _, refusal := s.tenant(r); refusal != nil {
		s.refuse(w, r, refusal)
		return
	}
	reply.JSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.key.Public()}})
}
