// Package serving runs a server through its life: it loads and reloads the certificate,
// answers probes, reports why the server is not ready, and drains it before it stops.
// What the server answers is not known here; cmd/akv-injector joins the two.
package serving
