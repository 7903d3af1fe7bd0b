// Package uses finds which workloads read an object of a vault, how each of their containers takes a change of it, and
// which roles would do.
package uses
