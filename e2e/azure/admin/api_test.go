package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/vault"
)

// A refusal has the code of the service that refuses, and the HTTP status that fits it.
// How the operations work together is tested with the whole stand-in, in package azure
// and through az.
func TestRefusals(t *testing.T) {
	hosts, ok := cloud.Public.Hosts()
	if !ok {
		t.Fatal("the public cloud has no hosts")
	}
	api := &admin.API{Subscription: arm.New(hosts, "tenant"), Vaults: vault.New(vault.Config{}), Server: noServer{}}
	if err := api.Vaults.CreateVault("payments-kv"); err != nil {
		t.Fatal(err)
	}
	const clientID = "00000000-0000-0000-0000-000000000001"
	if _, err := api.Subscription.CreateIdentity(arm.Identity{Name: "payments-id", ClientID: clientID}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		operation, input string
		status           int
		code, message    string
	}{
		"unknown field":     {"identity/show", `{"nom":"payments-id"}`, 400, arm.CodeBadRequest, "is not what identity/show takes"},
		"no JSON":           {"identity/show", `payments-id`, 400, arm.CodeBadRequest, "is not what identity/show takes"},
		"wrong name":        {"identity/create", `{"name":"a"}`, 400, arm.CodeBadRequest, "is not 3 to 128 letters"},
		"no such identity":  {"identity/show", `{"name":"nobody"}`, 404, arm.CodeNotFound, "was not found"},
		"client id is used": {"identity/create", `{"name":"other-id","clientId":"` + clientID + `"}`, 409, arm.CodeConflict, "already"},
		"no such secret":    {"object/delete", `{"vault":"payments-kv","kind":"secrets","name":"nothing"}`, 404, "SecretNotFound", "was not found"},
		"no such vault":     {"object/list", `{"vault":"no-such-kv","kind":"secrets"}`, 400, arm.CodeBadRequest, "there is no such vault"},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/"+test.operation, strings.NewReader(test.input))
		recorder := httptest.NewRecorder()
		api.Handler().ServeHTTP(recorder, request)
		var answer struct{ Error arm.Error }
		if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if recorder.Code != test.status || answer.Error.Code != test.code || !strings.Contains(answer.Error.Message, test.message) {
			t.Errorf("%s: want %d %s …%s…, got %d %+v", name, test.status, test.code, test.message, recorder.Code, answer.Error)
		}
	}
}

// noServer is for operations that do not call the server.
type noServer struct{ admin.Server }
