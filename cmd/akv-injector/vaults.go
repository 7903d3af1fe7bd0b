package main

import (
	"github.com/go-logr/logr"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"akv-injector/controller/refresh"
	"akv-injector/inject"
	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

// newVaults asks vaults with the identity that the workload identity webhook gave this
// pod. It is there whatever the mode: a namespace can turn the checks on.
func newVaults(o options, log logr.Logger) *keyvault.Reader {
	if o.settings.VaultChecks != inject.VaultChecksOff {
		// What is missing can be fixed in a new pod only, so it is worth a line now.
		if err := keyvault.CheckWorkloadIdentity(); err != nil {
			log.Error(err, "no identity to ask vaults with, so no object will be checked: "+
				"does the ServiceAccount have the annotation "+provider.AnnotationClientID+
				", and the pod the label "+provider.LabelUseWorkloadIdentity+"?")
		}
	}
	return keyvault.New(keyvault.Options{
		Credential: keyvault.WorkloadIdentity,
		Registerer: ctrlmetrics.Registry,
		Log:        log,
		UserAgent:  "akv-injector",
	})
}

// rotationVaults asks vaults for new versions, with calls of its own: admission must not wait
// behind them. It is nil without an identity.
func rotationVaults(o options, log logr.Logger) refresh.Vaults {
	if o.rotationLooks == 0 || keyvault.CheckWorkloadIdentity() != nil {
		return nil
	}
	return keyvault.New(keyvault.Options{
		Credential:     keyvault.WorkloadIdentity,
		CallsPerSecond: o.rotationLooks,
		Burst:          max(1, int(o.rotationLooks)),
		Log:            log,
		UserAgent:      "akv-injector-rotation",
	})
}
