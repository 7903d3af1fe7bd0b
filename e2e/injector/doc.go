// Package injector runs the real akv-injector beside a control plane of the test:
// the binary, as one replica or more, with the service account and the RBAC of
// deploy/install.yaml, behind that file's own webhook configurations. Only what a
// loopback run has to change is changed: the webhooks are called by URL.
package injector
