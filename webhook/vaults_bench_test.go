package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/go-logr/logr"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/keyvault"
)

// onePage is a vault whose objects all have one version, without a network.
type onePage struct{ calls atomic.Int64 }

func (o *onePage) Do(req *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: req}
	body := `{"value":[{"id":"https://x.vault.azure.net/secrets/x/a1","kid":"https://x.vault.azure.net/keys/x/a1","attributes":{"enabled":true,"created":1750000000}}]}`
	if req.Header.Get("Authorization") == "" {
		resp.StatusCode, body = http.StatusUnauthorized, ""
		resp.Header.Set("WWW-Authenticate", `Bearer authorization="https://login.example/tenant", resource="https://vault.azure.net"`)
	} else {
		o.calls.Add(1)
	}
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp, nil
}

// GetToken makes it anybody's credential too.
func (o *onePage) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// BenchmarkVaultChecks is a request about a typical pod with its objects in the cache, and
// the same with the checks off: their difference is what the checks cost. It fails if a
// vault is called.
func BenchmarkVaultChecks(b *testing.B) {
	for _, objects := range []int{4, 50} {
		var list []string
		for i := range objects {
			list = append(list, fmt.Sprintf("object-%d", i))
		}
		for _, mode := range []string{inject.VaultChecksOff, inject.VaultChecksEnforce} {
			vault := &onePage{}
			cl := checking(mode)
			a := cl.admission()
			a.log = logr.Discard()
			a.vaultBudget = time.Minute
			a.vaults = keyvault.New(keyvault.Options{
				Transport:  vault,
				Credential: func(policy.ClientOptions) (azcore.TokenCredential, error) { return vault, nil },
			})
			handler := a.Mutate()
			pod := withAnnotation(podOf(3), annotation.Objects, strings.Join(list, "\n"))
			body := marshal(b, reviewOf(raw(b, pod)))
			if w := post(handler, MutatePath, body); !strings.Contains(w.Body.String(), `"allowed":true`) {
				b.Fatal(w.Body)
			}
			asked := vault.calls.Load()
			b.Run(fmt.Sprintf("objects=%d/%s", objects, mode), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					cl.ensured = cl.ensured[:0]
					if w := post(handler, MutatePath, body); w.Code != http.StatusOK {
						b.Fatal(w.Body)
					}
				}
			})
			if want := map[string]int64{inject.VaultChecksEnforce: int64(objects)}[mode]; asked != want || vault.calls.Load() != asked {
				b.Fatalf("%s: %d calls to fill the cache, want %d, and %d later", mode, asked, want, vault.calls.Load()-asked)
			}
		}
	}
}
