// Package manifest reads Kubernetes objects from files as kubectl does, and knows the line
// of each of their fields.
//
// One bad file, or one bad document, hides none of the others: what cannot be read is a
// Problem with its place, and reading goes on.
package manifest
