package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"akv-injector/controller/refresh"
	"akv-injector/internal/serving"
	"akv-injector/keyvault/events"
)

// eventOptions are the flags about events.
type eventOptions struct {
	queue   string
	address string
	certDir string
	peers   string
	senders events.Senders
}

func (o *eventOptions) bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.queue, "rotation-queue", "",
		"`address` of the storage queue that Event Grid delivers Key Vault's events to, https://ACCOUNT.queue.core.windows.net/QUEUE. It is read with workload identity, by this cluster alone. Without it, none is read")
	flags.StringVar(&o.address, "rotation-events-address", "",
		"`address` to take CloudEvents of Event Grid at over HTTPS, such as :9444. Without it, none are taken")
	flags.StringVar(&o.certDir, "rotation-events-cert-dir", "/events-certs",
		"`folder` with tls.crt and tls.key for that address")
	flags.StringVar(&o.senders.Tenant, "rotation-events-tenant-id", "",
		"`tenant` whose tokens deliveries have to show, a GUID")
	flags.StringVar(&o.senders.Audience, "rotation-events-audience", "",
		"`audience` of those tokens: the application ID or ID URI that the event subscription names")
	flags.StringVar(&o.senders.AppID, "rotation-events-app-id", events.EventGridAppID,
		"`application` that those tokens are given to, a GUID. The default is Event Grid's in the public cloud")
	flags.StringVar(&o.peers, "rotation-events-peers", "",
		"`host:port` of a headless Service of all replicas, to hand deliveries to the one that leads. Without it, there is one replica")
}

// validateEvents checks where events come from.
func (o *options) validateEvents(found *problems) {
	e := &o.events
	if (e.queue != "" || e.address != "") && o.rotation == refresh.ModeOff {
		found.report("rotation", o.rotation, "events are of no use without it; write drive or observe, or leave --rotation-queue and --rotation-events-address empty")
	}
	if e.queue != "" {
		if problem := events.QueueProblem(e.queue); problem != "" {
			address, _, _ := strings.Cut(e.queue, "?") // what follows may be a signature
			found.report("rotation-queue", address, problem)
		}
	}
	if e.address == "" {
		return
	}
	e.senders.Cloud = o.settings.Cloud
	if problem := e.senders.Problem(); problem != "" {
		found.report("rotation-events-address", e.address, problem+" (--rotation-events-tenant-id, --rotation-events-audience, --rotation-events-app-id)")
	}
	if e.peers != "" {
		if host, port, err := net.SplitHostPort(e.peers); err != nil || host == "" || port == "" {
			found.report("rotation-events-peers", e.peers, "write host:port")
		}
	}
}

// addEvents lets the refresher hear of events.
func addEvents(ctx context.Context, mgr manager.Manager, o options, refresher *refresh.Refresher, log logr.Logger) error {
	if refresher == nil || o.events.queue == "" && o.events.address == "" {
		return nil
	}
	metrics := events.NewMetrics(ctrlmetrics.Registry)
	hear := func(h events.Hint) bool {
		return refresher.Hear(refresh.Hint{Vault: h.Vault, Type: string(h.Type), Name: h.Name, Version: h.Version})
	}
	if o.events.queue != "" {
		queue, err := events.NewQueue(o.events.queue, refresher.Leads, func(h events.Hint) { hear(h) }, metrics, log)
		if err != nil {
			return fmt.Errorf("--rotation-queue: %w", err)
		}
		if err := mgr.Add(queue); err != nil {
			return err
		}
	}
	if o.events.address == "" {
		return nil
	}
	certificate := serving.NewCertificate(o.events.certDir, certificateRetry, log.WithName("certificate"))
	go certificate.Run(ctx)
	return mgr.Add(events.NewEndpoint(events.EndpointOptions{
		Address: o.events.address, Certificate: certificate.Get, Senders: o.events.senders, Peers: o.events.peers,
		Hear: hear, Metrics: metrics, Log: log,
		Bound: func(server *http.Server) { serving.Bound(server, log) },
	}))
}
