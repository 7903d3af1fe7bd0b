// Package workloadidentity runs the real azure-workload-identity webhook beside a control
// plane of the test, with the service account, RBAC and webhook configuration of its own
// manifest. Only what a run on loopback has to change is changed: the API server calls it
// by URL, and the certificate is the run's, so that it need not make its own.
//
// # What 1.6.0 does to a pod, read in its source (pkg/webhook)
//
// It adds a projected volume with a token for the audience api://AzureADTokenExchange,
// mounts it in every container and init container at /var/run/secrets/azure/wi, and sets
// AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE and AZURE_AUTHORITY_HOST in
// them, except where a variable of that name is there already or has no value. The volume
// is called azure-workload-identity-reserved- and a hash of the pod's name, or of its
// generateName and " (prefix)". Earlier versions called it azure-identity-token and mounted
// it at /var/run/secrets/azure/tokens; in 1.6.0 that name is left to the file in it.
//
// The service account is the one that the pod has when it comes: client and tenant are its
// annotations, the tenant by default the one that the webhook is started with. A service
// account that does not exist is an error, so the pod is refused; one without annotations
// gets the volume and no client id.
package workloadidentity
