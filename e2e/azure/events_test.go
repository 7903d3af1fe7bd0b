package azure_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue"

	"akv-injector/e2e/azure"
	"akv-injector/internal/testing/await"
)

const processor = "Storage Queue Data Message Processor"

// The SDK reads an event from the queue, once it has the role at that queue.
func TestEventsInQueue(t *testing.T) {
	f := newFixture(t, azure.Options{})
	credential := f.credential(t, f.TenantID(), f.identity.ClientID, f.issuer.Token(t, f.issuer.Claims(subject)))
	address := f.CreateQueue("events1", "key-vault")
	f.CreateQueue("events1", "other")
	client, err := azqueue.NewQueueClient(address, credential, &azqueue.ClientOptions{ClientOptions: f.sdk()})
	if err != nil {
		t.Fatal(err)
	}
	take := func() (*azqueue.DequeuedMessage, int) {
		t.Helper()
		answer, err := client.DequeueMessage(t.Context(), nil)
		if err != nil || len(answer.Messages) == 0 {
			return nil, status(t, err)
		}
		return answer.Messages[0], http.StatusOK
	}
	if _, got := take(); got != no {
		t.Errorf("without a role: status %d", got)
	}
	for _, queue := range []string{"other", "key-vault"} {
		scope, err := f.QueueScope("events1", queue)
		if err == nil {
			_, err = f.AssignRole(processor, f.identity.PrincipalID, scope)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, got := take(); queue == "other" && got != no {
			t.Errorf("with the role at another queue: status %d", got)
		}
	}
	if err := f.SubscribeQueue(vaultName, "events1", "key-vault"); err != nil {
		t.Fatal(err)
	}
	version := f.secret(t, "DB-Password", "hunter2")
	var m *azqueue.DequeuedMessage
	await.Poll{}.Require(t, "an event in the queue", func(context.Context) (bool, string) {
		m, _ = take()
		return m != nil, "none"
	})
	text, err := base64.StdEncoding.DecodeString(*m.MessageText)
	if err != nil || !strings.Contains(string(text), version) || strings.Contains(string(text), "hunter2") {
		t.Errorf("%v %s", err, text)
	}
	if hidden, got := take(); hidden != nil || got != yes {
		t.Errorf("a message that is taken can be seen: %d", got)
	}
	if _, err := client.DeleteMessage(t.Context(), *m.MessageID, "another", nil); status(t, err) != http.StatusBadRequest {
		t.Errorf("deleted with another receipt: %v", err)
	}
	if _, err := client.DeleteMessage(t.Context(), *m.MessageID, *m.PopReceipt, nil); err != nil || f.QueueLength("events1", "key-vault") != 0 {
		t.Errorf("%v, %d messages are left", err, f.QueueLength("events1", "key-vault"))
	}
}

// An endpoint that does not agree gets nothing; one that does gets events with a token.
func TestEventsToEndpoint(t *testing.T) {
	f := newFixture(t, azure.Options{})
	got := make(chan *http.Request, 1)
	bodies := make(chan string, 1)
	agrees := false
	endpoint := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			body, _ := io.ReadAll(r.Body)
			bodies <- string(body)
			got <- r
		case agrees:
			w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
		}
	}))
	defer endpoint.Close()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: endpoint.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}}}
	defer client.CloseIdleConnections()
	if err := f.SubscribeEndpoint(t.Context(), vaultName, endpoint.URL, "api://events", client); err == nil {
		t.Error("an endpoint that does not agree is subscribed")
	}
	agrees = true
	if err := f.SubscribeEndpoint(t.Context(), vaultName, endpoint.URL, "api://events", client); err != nil {
		t.Fatal(err)
	}
	f.secret(t, "DB-Password", "hunter2")
	body, request := <-bodies, <-got
	if !strings.Contains(body, `"type":"Microsoft.KeyVault.SecretNewVersionCreated"`) || strings.Contains(body, "hunter2") ||
		!strings.HasPrefix(request.Header.Get("Authorization"), "Bearer ey") || !strings.HasPrefix(request.Header.Get("Content-Type"), "application/cloudevents+json") {
		t.Errorf("%s %v", body, request.Header)
	}
}
