package doctor

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"akv-injector/internal/text"
)

var mountChecks = []Check{{
	ID: "AKVD060", Layer: LayerMount, Name: "mount",
	Looks: "what the kubelet, the driver and Azure say of the pod's mounts, in its events", Matters: "The pod waits in ContainerCreating, or keeps an old version.",
	run: checkMount,
}}

// Words are what a component says when a mount fails, and what it means.
type Words struct {
	// Says is a part of the event's text, as a regular expression.
	Says string
	// Means is the cause, and Fix what mends it.
	Means, Fix string

	pattern *regexp.Regexp
	// mend writes the fix for what the pod reads; not set where the fix is the same for all.
	mend func(f *fixing) string
}

// mends writes a command of a format.
func mends(format string) func(*fixing) string {
	return func(f *fixing) string { return f.command(format) }
}

// fix is what mends it, for what is known of the pod.
func (w *Words) fix(f *fixing) string {
	if w.mend == nil || f == nil || f.use.Identity.ClientID == "" {
		return w.Fix
	}
	return w.mend(f)
}

// Decoder is what is known of words, the most telling first. The documentation's table is made from it.
var Decoder = decoder([]Words{
	{Says: `AADSTS70025\b`, Means: "the identity has no federated credential", Fix: "az identity federated-credential create -g GROUP --identity-name IDENTITY -n NAME --issuer ISSUER --subject system:serviceaccount:NAMESPACE:ACCOUNT --audiences api://AzureADTokenExchange", mend: mends(federateFormat)},
	{Says: `AADSTS700213`, Means: "no federated credential of the identity is for this namespace and service account (the subject)", Fix: "az identity federated-credential create -g GROUP --identity-name IDENTITY -n NAME --issuer ISSUER --subject system:serviceaccount:NAMESPACE:ACCOUNT --audiences api://AzureADTokenExchange", mend: mends(federateFormat)},
	{Says: `AADSTS700211`, Means: "no federated credential of the identity is for this cluster (the issuer)", Fix: "az aks show -g GROUP -n CLUSTER --query oidcIssuerProfile.issuerUrl -o tsv, and a federated credential with that issuer", mend: mends(federateFormat)},
	{Says: `AADSTS700212`, Means: "the federated credential is for another audience", Fix: "az identity federated-credential update -g GROUP --identity-name IDENTITY -n NAME --audiences api://AzureADTokenExchange", mend: mends(audienceFormat)},
	{Says: `AADSTS700016`, Means: "the tenant has no identity with this client id", Fix: "az identity show -g GROUP -n IDENTITY --query '{client:clientId,tenant:tenantId}', and correct the ServiceAccount or the class"},
	{Says: `AADSTS90002`, Means: "there is no such tenant", Fix: "az account show --query tenantId -o tsv, and correct the tenant id"},
	{Says: `has not the permission to use the managed identity|use-managed-identity`, Means: "the service account may not use the identity of the binding", Fix: "Bind it to a ClusterRole: verbs [use-managed-identity], apiGroups [cid.wi.aks.azure.com], resources [CLIENT_ID].", mend: (*fixing).allow},
	{Says: `ForbiddenByRbac|does not have secrets get permission`, Means: "the identity has no role in the vault for this object", Fix: `az role assignment create --role "Key Vault Secrets User" --assignee-object-id PRINCIPAL --assignee-principal-type ServicePrincipal --scope VAULT_ID`, mend: mends(roleFormat)},
	{Says: `ForbiddenByFirewall|ForbiddenByConnection|client address is not authorized`, Means: "the vault's firewall does not let the node in", Fix: "az keyvault network-rule add -n VAULT --subnet SUBNET_ID, or a private endpoint in the cluster's network"},
	{Says: `SecretDisabled|KeyDisabled|is disabled|not allowed in a disabled`, Means: "the newest version of the object is disabled", Fix: "az keyvault secret set-attributes --vault-name VAULT -n NAME --enabled true", mend: mends(enableFormat)},
	{Says: `SecretNotFound|KeyNotFound|CertificateNotFound`, Means: "the vault has no such object, or it was deleted", Fix: "az keyvault secret list --vault-name VAULT, and correct the name; or az keyvault secret recover --vault-name VAULT -n NAME", mend: (*fixing).recovered},
	{Says: `no such host`, Means: "the vault's name cannot be resolved on the node: there is no vault of that name, or a private DNS zone is missing", Fix: "az keyvault show -n VAULT --query properties.vaultUri; for a private endpoint, link privatelink.vaultcore.azure.net to the cluster's network"},
	{Says: `Throttled|TooManyRequests|\b429\b`, Means: "the vault is asked more often than it answers", Fix: "kubectl akv budget -A"},
	{Says: `provider not found: provider "azure"|error connecting to provider "azure"`, Means: "the Azure provider does not run on the node", Fix: "kubectl get pods -A -o wide -l app=csi-secrets-store-provider-azure"},
	{Says: `driver name secrets-store\.csi\.k8s\.io not found`, Means: "the driver is not registered on the node", Fix: "az aks enable-addons -g GROUP -n CLUSTER --addons azure-keyvault-secrets-provider"},
	{Says: `failed to get secretproviderclass|secretproviderclasses.* not found`, Means: "the SecretProviderClass is not there", Fix: "kubectl get secretproviderclasses -n NAMESPACE; a generated one comes back when akv-injector runs"},
	{Says: `ResourceExhausted`, Means: "the secrets together exceed 4 MiB", Fix: "Mount fewer objects, or raise the driver's --max-call-recv-msg-size."},
	{Says: `connection refused|i/o timeout|ServiceUnavailable|DeadlineExceeded|context deadline exceeded`, Means: "Azure does not answer the node", Fix: "Look at the node's way to the vault: firewalls, proxies, and Azure's status."},
})

func decoder(words []Words) []Words {
	for i := range words {
		words[i].pattern = regexp.MustCompile(words[i].Says)
	}
	return words
}

// failureReasons are those of events about mounts: the kubelet's, and the driver's own before 1.6.
var failureReasons = []string{"FailedMount", "MountRotationFailed", "SecretsNotMounted"}

func checkMount(ctx context.Context, p *Patient, r *report) {
	if p.Target.Template {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	events, err := p.Client.CoreV1().Events(p.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.AndSelectors(fields.OneTermEqualSelector("involvedObject.kind", "Pod"), fields.OneTermEqualSelector("involvedObject.name", p.Name)).String(),
	})
	if err != nil {
		r.notChecked(unseen(err, "list", "events", p.Namespace).Error())
		return
	}
	var last *corev1.Event
	for i := range events.Items {
		e := &events.Items[i]
		// What failed before the containers started has succeeded since: the kubelet starts none before all is mounted.
		if slices.Contains(failureReasons, e.Reason) && e.InvolvedObject.UID == p.Target.Meta.UID && e.LastTimestamp.After(p.started) &&
			(last == nil || e.LastTimestamp.After(last.LastTimestamp.Time)) {
			last = e
		}
	}
	if last == nil {
		r.ok("no event says that a mount failed")
		return
	}
	for _, w := range Decoder {
		if w.pattern.MatchString(last.Message) {
			r.add(Problem, "event "+last.Reason, w.Means, w.fix(p.fixing(ctx, last.Message)))
			return
		}
	}
	r.add(Problem, "event "+last.Reason, fmt.Sprintf("words that are not known: %s", oneLine(last.Message)),
		text.Command("kubectl describe pod -n {namespace} {pod}", text.Values{"namespace": p.Namespace, "pod": p.Name}))
}
