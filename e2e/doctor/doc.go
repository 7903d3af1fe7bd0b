// Package doctor proves each check of kubectl akv doctor both ways on a real API server: whole it is silent; broken on purpose it
// names the cause, and the fix that it prints, run as printed, mends it.
package doctor
