package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// AKV011 reads the parameters that reach the provider, nodePublishSecretRef and the
// CSIDriver's tokenRequests. Without any identity the provider 1.8.2 falls back to a
// service principal and fails with "could not find clientid in secrets" (driver 1.6.0,
// which has the service account's token among them) or "nodePublishSecretRef secret is
// not set" (1.4.8); pod identity was retired, and nothing answers its requests any more.
var identityModeRule = Rule{
	ID: "AKV011", Name: "identity-mode", Severities: []Severity{Error, Warning},
	Summary:  "usePodIdentity (retired), or no identity at all (error); a VM's identity or a service principal where workload identity is on (warning).",
	Prevents: "The pod never starts; or it reads the vault with an identity that other pods share.",
}

func checkIdentityMode(s *subject) []Finding {
	var findings []Finding
	for i := range s.volumes {
		v := &s.volumes[i]
		if v.generated || !v.azure() {
			continue
		}
		path := v.classPath()
		on := func(key string) bool {
			b, err := strconv.ParseBool(strings.TrimSpace(v.parameters[key]))
			return err == nil && b
		}
		vm, secret := on(paramVMIdentity), v.CSI.NodePublishSecretRef != nil
		switch {
		case on(paramPodIdentity):
			findings = append(findings, found("AKV011", Error, field.ErrorTypeForbidden, path,
				fmt.Sprintf("The SecretProviderClass %q sets usePodIdentity, which was retired; the mount fails.", shorten(v.className)),
				"Set clientID to a managed identity with a federated credential for the pod's service account, and usePodIdentity to \"false\"."))
		case strings.TrimSpace(v.parameters[paramClient]) == "" && !vm && !on(paramTokenProxy) && !secret:
			findings = append(findings, found("AKV011", Error, field.ErrorTypeRequired, path,
				fmt.Sprintf("Neither the SecretProviderClass %q nor the volume names an identity; the mount fails.", shorten(v.className)),
				"Set clientID in the class to a managed identity with a federated credential for the pod's service account."))
		case (vm || secret && strings.TrimSpace(v.parameters[paramClient]) == "") && workloadIdentityOn(s.f.CSIDriver):
			what := "the node's managed identity, which every pod of the node shares"
			if !vm {
				what = "a service principal, whose secret somebody has to rotate"
			}
			findings = append(findings, found("AKV011", Warning, field.ErrorTypeInvalid, path,
				fmt.Sprintf("The vault is read with %s, though this cluster has workload identity.", what),
				"Set clientID in the class to a managed identity with a federated credential for the pod's service account."))
		}
	}
	return findings
}

// tokenAudience is what Entra ID wants in a token that is exchanged for one of its own.
const tokenAudience = "api://AzureADTokenExchange"

func workloadIdentityOn(d *storagev1.CSIDriver) bool {
	return d != nil && slices.ContainsFunc(d.Spec.TokenRequests, func(r storagev1.TokenRequest) bool {
		return r.Audience == tokenAudience
	})
}
