// Package certificates tests, with a real API server and two replicas, the certificates that akv-injector makes itself.
package certificates
