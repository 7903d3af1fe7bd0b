// Package tokenproxy stands in for the token proxy of AKS, which gives pods the tokens of managed identities that are bound to
// the cluster. It does what Microsoft documents of it: it takes the request that a program would send to Entra ID, at a
// TLS server name of the cluster's; it lets the API server verify the service account's token, for the audience
// api://AKSIdentityBinding; it asks the API server whether the account has the verb use-managed-identity on the client id; and it
// asks Entra ID for the identity's token in the account's place, with one federated credential for an identity, however many accounts use
// it: that of an issuer of AKS's own, one for each identity.
//
// What is not the same: on AKS the proxy is behind the API server's address. Here it listens at a port of its own.
package tokenproxy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/arm"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// ServerName is the TLS server name of the proxy, of the kind that AKS computes from the cluster's name.
const ServerName = "abcdefghijklmnopqrstuv0123456789abcdefghijklmnopqrstuv.ests.aks"

// issuerHost is the TLS server name of the issuers.
const issuerHost = "localhost"

// Proxy is a running proxy.
type Proxy struct {
	// URL that programs send their requests to.
	URL string

	azure  *azure.Server
	client kubernetes.Interface
	issuer string
	own    *issuers
	server *http.Server
}

// Start starts a proxy, for a cluster whose tokens have an issuer.
func Start(ctx context.Context, client kubernetes.Interface, issuer string, azure *azure.Server) (*Proxy, error) {
	p := &Proxy{azure: azure, client: client, issuer: issuer}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.URL = "https://" + listener.Addr().String()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, err
	}
	if p.own, err = newIssuers("https://" + net.JoinHostPort(issuerHost, port)); err != nil {
		return nil, err
	}
	if err := azure.TrustIssuers(azure.CA()); err != nil {
		return nil, err
	}
	azure.BindingsIssuedBy(p.own.base)
	azure.AddCluster(cluster, cluster, issuer)
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName != ServerName && hello.ServerName != issuerHost {
				return nil, fmt.Errorf("no cluster has the server name %q", hello.ServerName)
			}
			return azure.Certificate(hello.ServerName)
		}},
	}
	go func() { _ = p.server.ServeTLS(listener, "", "") }() // ends when it is closed
	return p, nil
}

// Stop stops the proxy.
func (p *Proxy) Stop() error { return p.server.Close() }

// cluster is the name of the proxy's cluster, and of its resource group.
const cluster = "cluster"

// Bind binds an identity to the proxy's cluster, as az aks identity-binding create does.
func (p *Proxy) Bind(identity *arm.Identity) error {
	_, err := p.azure.CreateBinding(cluster, cluster, identity.Name, identity.ID)
	return err
}

// refusal is an answer in the form of OAuth.
type refusal struct {
	status      int
	kind, words string
}

// ServeHTTP answers a token request. Before it, SDKs ask for Entra ID's metadata in the same place.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.TLS.ServerName == issuerHost {
		p.own.ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
		p.ask(w, r, http.MethodGet, nil)
		return
	}
	form, refused := p.exchange(r)
	if refused != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(refused.status)
		if err := json.NewEncoder(w).Encode(map[string]string{"error": refused.kind, "error_description": refused.words}); err != nil {
			return // the caller is gone
		}
		return
	}
	p.ask(w, r, http.MethodPost, form)
}

// ask has Entra ID answer.
func (p *Proxy) ask(w http.ResponseWriter, r *http.Request, method string, form url.Values) {
	login, err := url.Parse(p.azure.LoginEndpoint())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	ask := httptest.NewRequestWithContext(r.Context(), method, login.JoinPath(r.URL.Path).String(), strings.NewReader(form.Encode()))
	ask.URL.RawQuery = r.URL.RawQuery
	ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p.azure.ServeHTTP(w, ask)
}

// exchange verifies who asks, and returns the request to Entra ID.
func (p *Proxy) exchange(r *http.Request) (url.Values, *refusal) {
	const maxBody = 64 << 10
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		return nil, &refusal{http.StatusBadRequest, "invalid_request", "not a token request"}
	}
	form := r.PostForm
	clientID := form.Get("client_id")
	user, err := p.user(r.Context(), form.Get("client_assertion"))
	if err != nil {
		return nil, &refusal{http.StatusUnauthorized, "invalid_client", "the service account's token: " + err.Error()}
	}
	ns, name, ok := strings.Cut(strings.TrimPrefix(user, "system:serviceaccount:"), ":")
	if !ok {
		return nil, &refusal{http.StatusUnauthorized, "invalid_client", "the token is of no service account"}
	}
	review, err := p.client.AuthorizationV1().SubjectAccessReviews().Create(r.Context(), facts.Use{Account: name, ClientID: clientID}.Review(ns), metav1.CreateOptions{})
	if err != nil {
		return nil, &refusal{http.StatusBadGateway, "server_error", err.Error()}
	}
	if !review.Status.Allowed {
		return nil, &refusal{http.StatusForbidden, "unauthorized_client", fmt.Sprintf("%s has not the permission to use the managed identity %s", user, clientID)}
	}
	if !p.azure.Bound(p.issuer, clientID) {
		return nil, &refusal{http.StatusBadRequest, "unauthorized_client", fmt.Sprintf("no identity binding of this cluster has the managed identity %s", clientID)}
	}
	token, err := p.own.token(clientID)
	if err != nil {
		return nil, &refusal{http.StatusInternalServerError, "server_error", err.Error()}
	}
	form.Set("client_assertion", token)
	return form, nil
}

// user is whose token it is.
func (p *Proxy) user(ctx context.Context, token string) (string, error) {
	review, err := p.client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{provider.BindingAudience}},
	}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return "", err
	case !review.Status.Authenticated:
		return "", errors.New("not authenticated: " + review.Status.Error)
	}
	return review.Status.User.Username, nil
}
