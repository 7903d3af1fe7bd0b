// Package convert turns a workload with SecretProviderClasses written by hand into the
// annotated workload that gets the same.
//
// What it writes is proved, not assumed: the annotated workload is put through the same
// engine that admission uses, and what its pods would mount is held against what they
// mount now. What cannot be carried over is named with its line, and that workload is left
// as it was.
package convert
