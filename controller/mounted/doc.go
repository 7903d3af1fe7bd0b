// Package mounted opens the readiness gate of pods whose secrets are mounted.
//
// With driver 1.6.0 a pod whose first mount was interrupted can run with an empty folder. A pod that
// asks for it gets the readiness gate azure.keyvault.injector/mounted at admission, and is not Ready
// before the driver has recorded a mount of each of its classes, not later than its containers started.
//
// A gate can never be taken off a pod, so it must not become a trap: every replica opens gates, one
// that is open stays open, all are opened when akv-injector is uninstalled, and none is added while
// the right to open it, or the policy that limits that right, is missing.
package mounted
