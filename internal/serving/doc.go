// Package serving is the life of a server: its certificate, its readiness, and its end.
// What it serves is for others to say.
package serving
