// Command azureprovider asks the Azure provider's own function about classes: it reads a JSON list of parameters from
// the standard input, and writes a list of why each is refused, empty for one about which the provider goes on to ask
// Azure. It is a module of its own, since the provider has older versions of Azure's SDK than we have.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/Azure/go-autorest/autorest/azure"
	"github.com/Azure/secrets-store-csi-driver-provider-azure/pkg/provider"
)

func main() {
	var classes []map[string]string
	if err := json.NewDecoder(os.Stdin).Decode(&classes); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	said := make([]string, 0, len(classes))
	for _, parameters := range classes {
		said = append(said, refusal(parameters))
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const tokens = `{"api://AzureADTokenExchange":{"token":"a","expirationTimestamp":"2099-01-01T00:00:00Z"},` +
	`"api://AKSIdentityBinding":{"token":"b","expirationTimestamp":"2099-01-01T00:00:00Z"}}`

// refusal is why the provider refuses parameters by itself. The context has ended, so that it asks nobody.
func refusal(parameters map[string]string) string {
	attributes := map[string]string{
		"csi.storage.k8s.io/pod.name": "web", "csi.storage.k8s.io/pod.namespace": "shop", "csi.storage.k8s.io/serviceAccount.tokens": tokens,
	}
	maps.Copy(attributes, parameters)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	principal := map[string]string{"clientid": "a", "clientsecret": "b"}
	_, err := provider.NewProvider(false, false, azure.PublicCloud).GetSecretsStoreObjectContent(ctx, attributes, principal, 0o644)
	if err == nil {
		return ""
	}
	// Beyond these it asks Entra ID, or the node.
	for _, asked := range []string{context.Canceled.Error(), "failed to get keyvault client", "proxy"} {
		if strings.Contains(err.Error(), asked) {
			return ""
		}
	}
	return err.Error()
}
