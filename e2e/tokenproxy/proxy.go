// Package tokenproxy stands in for the token proxy of AKS, which gives pods the tokens of managed identities that are bound to
// the cluster. It does what Microsoft documents of it: it takes the request that a program would send to Entra ID, at a
// TLS server name of the cluster's; it lets the API server verify the service account's token, for the audience
// api://AKSIdentityBinding; it asks the API server whether the account has the verb use-managed-identity on the client id; and it
// asks Entra ID for the identity's token in the account's place, with one federated credential for an identity, however many accounts use it.
//
// What is not the same: on AKS the proxy is behind the API server's address, and that credential is of an issuer of AKS's own, one
// for each identity. Here it listens at a port of its own, and the credential is of a service account that nobody else has.
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
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/arm"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// ServerName is the TLS server name of the proxy, of the kind that AKS computes from the cluster's name.
const ServerName = "abcdefghijklmnopqrstuv0123456789abcdefghijklmnopqrstuv.ests.aks"

const namespace = "aks-identity-bindings"

// Proxy is a running proxy.
type Proxy struct {
	// URL that programs send their requests to.
	URL string

	azure  *azure.Server
	client kubernetes.Interface
	issuer string
	server *http.Server

	mu    sync.Mutex
	bound map[string]string // service accounts of bindings, by the client id
}

// Start starts a proxy, for a cluster whose tokens have an issuer.
func Start(ctx context.Context, client kubernetes.Interface, issuer string, azure *azure.Server) (*Proxy, error) {
	p := &Proxy{azure: azure, client: client, issuer: issuer, bound: map[string]string{}}
	_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.URL = "https://" + listener.Addr().String()
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName != ServerName {
				return nil, fmt.Errorf("no cluster has the server name %q", hello.ServerName)
			}
			return azure.Certificate(ServerName)
		}},
	}
	go func() { _ = p.server.ServeTLS(listener, "", "") }() // ends when it is closed
	return p, nil
}

// Stop stops the proxy.
func (p *Proxy) Stop() error { return p.server.Close() }

// Bind binds an identity to the cluster, as az aks identity-binding create does.
func (p *Proxy) Bind(ctx context.Context, resourceGroup string, identity arm.Identity) error {
	account := "binding-" + identity.ClientID
	_, err := p.client.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = p.azure.CreateFederatedCredential(resourceGroup, identity.Name, arm.FederatedCredential{
		Name: "aks-identity-binding", Issuer: p.issuer, Subject: "system:serviceaccount:" + namespace + ":" + account, Audiences: []string{provider.TokenAudience},
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bound[identity.ClientID] = account
	return nil
}

// refusal is an answer in the form of OAuth.
type refusal struct {
	status      int
	kind, words string
}

// ServeHTTP answers a token request. Before it, SDKs ask for Entra ID's metadata in the same place.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	p.mu.Lock()
	account, ok := p.bound[clientID]
	p.mu.Unlock()
	if !ok {
		return nil, &refusal{http.StatusBadRequest, "unauthorized_client", fmt.Sprintf("no identity binding of this cluster has the managed identity %s", clientID)}
	}
	token, err := p.client.CoreV1().ServiceAccounts(namespace).CreateToken(r.Context(), account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{provider.TokenAudience}}}, metav1.CreateOptions{})
	if err != nil {
		return nil, &refusal{http.StatusBadGateway, "server_error", err.Error()}
	}
	form.Set("client_assertion", token.Status.Token)
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
