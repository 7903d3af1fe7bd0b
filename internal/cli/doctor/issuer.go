package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"akv-injector/internal/text"
)

const discoveryPath = "/.well-known/openid-configuration"

// issuerDocument is the part of a discovery document that is looked at.
type issuerDocument struct {
	Issuer string `json:"issuer"`
}

// Issuer is that of the cluster's tokens.
func (p *Patient) Issuer(ctx context.Context) (string, error) {
	return p.issuer.get(ctx, func(ctx context.Context) (string, error) {
		answer, err := p.Client.Discovery().RESTClient().Get().AbsPath(discoveryPath).DoRaw(ctx)
		if err != nil {
			return "", unseen(err, "get", discoveryPath, "")
		}
		var document issuerDocument
		if err := json.Unmarshal(answer, &document); err != nil || document.Issuer == "" {
			return "", fmt.Errorf("the API server's %s names no issuer", discoveryPath)
		}
		return document.Issuer, nil
	})
}

func checkIssuer(ctx context.Context, p *Patient, r *report) {
	issuer, err := p.Issuer(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	shown := text.Line(issuer, 200)
	if private(issuer) {
		r.problem(fmt.Sprintf("tokens are issued by %s, which is known in the cluster alone: the OIDC issuer is off", shown), text.Command(enableIdentity, nil))
		return
	}
	named, err := discover(ctx, issuer)
	switch {
	case err != nil:
		r.notChecked(fmt.Sprintf("tokens are issued by %s; from this machine: %s, which says nothing about Entra ID", shown, oneLine(err.Error())))
	case named != issuer:
		r.problem(fmt.Sprintf("tokens are issued by %s, where the document names another issuer: %s", shown, text.Line(named, 200)), text.Command(enableIdentity, nil))
	default:
		r.ok("tokens are issued by %s, which answers this machine", shown)
	}
}

// private reports whether an issuer is one that only the cluster itself can reach.
func private(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" {
		return true
	}
	host := strings.ToLower(u.Hostname())
	return !strings.Contains(host, ".") && host != "localhost" || strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".cluster.local")
}

// discover asks an issuer for its name, as Entra ID does.
func discover(ctx context.Context, issuer string) (string, error) {
	const mostBytes = 1 << 20
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(issuer, "/")+discoveryPath, http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it answers %s", answer.Status)
	}
	var document issuerDocument
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostBytes)).Decode(&document); err != nil {
		return "", err
	}
	return document.Issuer, nil
}
