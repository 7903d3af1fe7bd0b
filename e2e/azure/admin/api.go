package admin

import (
	"context"
	"net/http"
	"time"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/entra"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/front"
	"akv-injector/e2e/azure/vault"
)

// API has what the operations work on.
type API struct {
	Subscription *arm.Subscription
	Entra        *entra.Service
	Vaults       *vault.Service
	Server       Server
}

// Server is the whole stand-in: what takes several of its services, or none.
type Server interface {
	Info() Info

	// A vault is a resource and a service.
	CreateVault(resourceGroup, name string) (arm.Vault, error)
	DeleteVault(name string) error
	VaultURL(name string) string
	SetVaultFault(name string, fault *faults.Fault) error

	// What goes wrong with the network.
	SetCertificateFault(ctx context.Context, fault front.CertificateFault) error
	SetDNSDelay(delay time.Duration)
	Pause() error
	Resume(ctx context.Context) error

	Audit() Audit
	ClearAudit()
}

// Handler serves the operations.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	opInfo.serve(mux, always(a.Server.Info))
	a.serveIdentities(mux)
	a.serveRoles(mux)
	a.serveClusters(mux)
	a.serveVaults(mux)
	a.serveObjects(mux)
	a.serveFaults(mux)
	opAudit.serve(mux, always(a.Server.Audit))
	opClearAudit.serve(mux, act(func(context.Context, nothing) error { a.Server.ClearAudit(); return nil }))
	return mux
}
