package azure

import (
	"context"
	"net/http"

	"akv-injector/e2e/azure/eventgrid"
	"akv-injector/e2e/azure/vault"
)

// CreateQueue makes a storage account, if there is none of the name, and a queue in it. It returns
// the queue's address.
func (s *Server) CreateQueue(account, name string) string {
	s.subscription.AddStorageAccount(account)
	s.queues.Create(account, name)
	return s.cloud.QueueURL(account, name)
}

// QueueScope is the scope of a queue, for roles.
func (s *Server) QueueScope(account, name string) (string, error) {
	return s.subscription.QueueScope(account, name)
}

// QueueLength is the number of messages in a queue, hidden ones too.
func (s *Server) QueueLength(account, name string) int { return s.queues.Length(account, name) }

// SubscribeQueue has Event Grid put a vault's events into a queue.
func (s *Server) SubscribeQueue(vaultName, account, name string) error {
	return s.events.ToQueue(vaultName, account, name)
}

// SubscribeEndpoint has Event Grid deliver a vault's events as CloudEvents to an endpoint, with
// tokens for an audience. Like Event Grid it asks the endpoint first.
func (s *Server) SubscribeEndpoint(ctx context.Context, vaultName, url, audience string, client *http.Client) error {
	return s.events.ToEndpoint(ctx, vaultName, url, audience, client)
}

// created passes a new version on to Event Grid.
func (s *Server) created(vaultName string, kind vault.Kind, name, version string) {
	s.events.Publish(eventgrid.Event{Vault: vaultName, Kind: kind.Title(), Name: name, Version: version})
}
