package system

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"time"
)

// Where akv-injector hears of events.
const (
	eventsAccount  = "akvevents"
	eventsQueue    = "key-vault-events"
	eventsAddress  = "127.0.0.1:9444"
	eventsAudience = "api://akv-injector-events"

	// RoleProcessor lets an identity take messages from a queue, and delete them.
	RoleProcessor = "Storage Queue Data Message Processor"
)

// injectorEvents makes a queue that akv-injector may read, and returns its flags.
func (s *System) injectorEvents() (args []string, err error) {
	if s.InjectorPrincipal == "" {
		return nil, errors.New("Options.InjectorEvents without InjectorIdentity")
	}
	address := s.Azure.CreateQueue(eventsAccount, eventsQueue)
	scope, err := s.Azure.QueueScope(eventsAccount, eventsQueue)
	if err != nil {
		return nil, err
	}
	if _, err := s.Azure.AssignRole(RoleProcessor, s.InjectorPrincipal, scope); err != nil {
		return nil, err
	}
	return []string{
		"--rotation-queue=" + address,
		"--rotation-events-address=" + eventsAddress,
		"--rotation-events-tenant-id=" + s.Azure.TenantID(),
		"--rotation-events-audience=" + eventsAudience,
	}, nil
}

// SubscribeQueue has the events of a vault put into the queue that akv-injector reads.
func (s *System) SubscribeQueue(vault string) error {
	return s.Azure.SubscribeQueue(vault, eventsAccount, eventsQueue)
}

// SubscribeEndpoint has the events of a vault delivered to akv-injector's endpoint.
func (s *System) SubscribeEndpoint(ctx context.Context, vault string) error {
	authority, err := os.ReadFile(s.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
	}}
	return s.Azure.SubscribeEndpoint(ctx, vault, "https://"+eventsAddress+"/events", eventsAudience, client)
}
