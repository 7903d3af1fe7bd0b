package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// Unknown is what stands in an object and nobody reads: fields that its kind does not have, and
// annotations of workload identity on objects where its webhook does not look for them.
func (o *Object) Unknown() []Unknown {
	unknown := slices.Clone(o.unknown)
	if account, ok := o.Typed.(*corev1.ServiceAccount); ok {
		unknown = append(unknown, unknownIdentity(&account.ObjectMeta, finding.At("metadata"), accountAnnotations)...)
		return unknown
	}
	pods, _ := o.Pods()
	for i := range pods {
		if !pods[i].Bare() {
			unknown = append(unknown, unknownIdentity(pods[i].Meta, pods[i].MetaPath(), podAnnotations)...)
		}
	}
	return unknown
}

// identityPrefix begins the annotations and labels of Azure Workload Identity.
const identityPrefix = "azure.workload.identity/"

// The annotations that its webhook reads (azure-workload-identity 1.6.0, pkg/webhook/consts.go).
var (
	accountAnnotations = []string{"client-id", "tenant-id", "service-account-token-expiration"}
	podAnnotations     = []string{"service-account-token-expiration", "skip-containers", "inject-proxy-sidecar", "proxy-sidecar-port", "client-id", "tenant-id"}
)

func unknownIdentity(meta *metav1.ObjectMeta, at *finding.Place, read []string) []Unknown {
	var unknown []Unknown
	for _, key := range slices.Sorted(maps.Keys(meta.Annotations)) {
		name, ours := strings.CutPrefix(key, identityPrefix)
		tell := func(fix string) {
			unknown = append(unknown, Unknown{Place: at.Child("annotations").Key(key), What: "Nobody reads the annotation", Name: text.Shorten(key), Fix: fix})
		}
		switch {
		case !ours && nearIdentity(key):
			_, name, _ = strings.Cut(key, "/")
			tell(fmt.Sprintf("Write %s%s.", identityPrefix, nearestOf(name, read)))
		case !ours || slices.Contains(read, name):
		case name == "use" && meta.Labels[provider.LabelUseWorkloadIdentity] == "":
			tell("Make it a label: the webhook selects pods by it.")
		case name == "use":
		default:
			tell(fmt.Sprintf("Write %s%s.", identityPrefix, nearestOf(name, read)))
		}
	}
	return unknown
}

func nearestOf(name string, read []string) string {
	normal := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
	if near := text.Nearest(normal, read); near != "" {
		return near
	}
	return read[0]
}

// nearIdentity reports whether a key has almost the prefix of workload identity, before a name that it has.
func nearIdentity(key string) bool {
	prefix, name, ok := strings.Cut(key, "/")
	if !ok || len(key) > 253 {
		return false
	}
	letters := strings.NewReplacer(".", "", "-", "", "_", "").Replace(strings.ToLower(prefix))
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return (letters == "azureworkloadidentity" || letters == "azureworkloadidentityio" || letters == "azurewi" || letters == "azureworkloadid") &&
		(slices.Contains(accountAnnotations, name) || name == "clientid" || name == "tenantid")
}

// Concerns reports whether an object mentions the secrets store or akv-injector, so that it should have been checked.
func (o *Object) Concerns() bool {
	text := string(o.JSON)
	if strings.Contains(o.Kind, "Definition") || o.Kind == "ConfigMap" || o.Kind == "Secret" {
		return false // schemas, and texts
	}
	return strings.Contains(text, `"driver":"`+provider.DriverName+`"`) || strings.Contains(text, `"azure.keyvault.injector/`)
}
