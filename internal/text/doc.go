// Package text has what messages are made of: outside text made safe to print, lists,
// sentences, and the nearest match of a misspelt name.
package text
