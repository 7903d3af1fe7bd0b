// Package text formats messages: it makes outside text safe to print, splits lists,
// completes sentences, and finds the nearest match of a misspelt name.
package text
