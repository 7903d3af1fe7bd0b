// Package eventgrid stands in for Azure Event Grid: it tells of new versions in vaults, to storage
// queues and to endpoints.
package eventgrid

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Event is a new version of an object.
type Event struct {
	Vault string
	// Kind is Secret, Key or Certificate.
	Kind          string
	Name, Version string
}

// Service delivers events. Its methods may be called at once.
type Service struct {
	topic func(vault string) (string, error)
	put   func(account, queue, text string) error
	token func(audience string) (string, error)
	now   func() time.Time

	stop    sync.Once
	stopped chan struct{}
	going   sync.WaitGroup

	mu            sync.Mutex
	subscriptions map[string][]func(context.Context, Event) error
}

// New returns a service without subscriptions. topic is the resource id of a vault, put puts a
// message into a queue, and token is one that Event Grid shows to endpoints.
func New(topic func(string) (string, error), put func(account, queue, text string) error, token func(audience string) (string, error), now func() time.Time) *Service {
	return &Service{topic: topic, put: put, token: token, now: now, subscriptions: map[string][]func(context.Context, Event) error{}, stopped: make(chan struct{})}
}

// Stop ends all deliveries. A second call does nothing.
func (s *Service) Stop() {
	s.stop.Do(func() { close(s.stopped) })
	s.going.Wait()
}

// ToQueue delivers a vault's events to a queue, in Event Grid's own schema and in base64.
func (s *Service) ToQueue(vault, account, queue string) error {
	s.subscribe(vault, func(_ context.Context, e Event) error {
		body, err := s.grid(e)
		if err != nil {
			return err
		}
		return s.put(account, queue, base64.StdEncoding.EncodeToString(body))
	})
	return nil
}

// ToEndpoint delivers a vault's events to an endpoint, as CloudEvents. It is an error unless the
// endpoint agrees.
func (s *Service) ToEndpoint(ctx context.Context, vault, url, audience string, client *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodOptions, url, nil)
	if err != nil {
		return err
	}
	const origin = "eventgrid.azure.net"
	request.Header.Set("WebHook-Request-Origin", origin)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if allowed := response.Header.Get("WebHook-Allowed-Origin"); response.StatusCode != http.StatusOK || allowed != origin && allowed != "*" {
		return fmt.Errorf("webhook validation handshake failed for %s: status %s, WebHook-Allowed-Origin %q", url, response.Status, allowed)
	}
	s.subscribe(vault, func(ctx context.Context, e Event) error {
		body, err := s.cloudEvent(e)
		if err != nil {
			return err
		}
		token, err := s.token(audience)
		if err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("aeg-event-type", "Notification")
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		_ = response.Body.Close()
		if response.StatusCode < 200 || response.StatusCode > 204 {
			return fmt.Errorf("%s: %s", response.Status, text)
		}
		return nil
	})
	return nil
}

func (s *Service) subscribe(vault string, deliver func(context.Context, Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	vault = strings.ToLower(vault)
	s.subscriptions[vault] = append(s.subscriptions[vault], deliver)
}

// pauses are those of Event Grid between tries; it gives up much later.
var pauses = []time.Duration{0, 10 * time.Second, 30 * time.Second, time.Minute}

// Publish delivers an event to all who have subscribed. It does not wait.
func (s *Service) Publish(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, deliver := range s.subscriptions[strings.ToLower(e.Vault)] {
		s.going.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go func() {
				select {
				case <-s.stopped:
					cancel()
				case <-ctx.Done():
				}
			}()
			for _, pause := range pauses {
				select {
				case <-ctx.Done():
					return
				case <-time.After(pause):
				}
				if deliver(ctx, e) == nil {
					return
				}
			}
		})
	}
}

// data is what an event of Key Vault has, with names as its documents write them.
func data(e Event, capitals bool) map[string]any {
	all := map[string]any{
		"Id": fmt.Sprintf("https://%s.vault.azure.net/%ss/%s/%s", e.Vault, strings.ToLower(e.Kind), e.Name, e.Version), "VaultName": e.Vault,
		"ObjectType": e.Kind, "ObjectName": e.Name, "Version": e.Version, "NBF": nil, "EXP": nil,
	}
	if capitals {
		return all
	}
	small := map[string]any{}
	for name, value := range all {
		small[strings.ToLower(name[:1])+name[1:]] = value
	}
	return small
}

func (s *Service) grid(e Event) ([]byte, error) {
	topic, err := s.topic(e.Vault)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"id": uuid.NewString(), "topic": topic, "subject": e.Name, "eventType": "Microsoft.KeyVault." + e.Kind + "NewVersionCreated",
		"eventTime": s.now().UTC().Format(time.RFC3339Nano), "data": data(e, true), "dataVersion": "1", "metadataVersion": "1",
	})
}

func (s *Service) cloudEvent(e Event) ([]byte, error) {
	topic, err := s.topic(e.Vault)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"id": uuid.NewString(), "source": topic, "subject": e.Name, "type": "Microsoft.KeyVault." + e.Kind + "NewVersionCreated",
		"time": s.now().UTC().Format(time.RFC3339Nano), "data": data(e, false), "specversion": "1.0",
	})
}
