// Package compare measures admission webhooks against each other: akv-injector, the real azure-workload-identity
// webhook, and two references, on the same AdmissionReviews, over the same TLS, in the same run. Only their ratios
// count: the figures themselves are a machine's.
package compare
