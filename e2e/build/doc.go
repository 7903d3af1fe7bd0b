// Package build makes the programs that the end-to-end tests run: Kubernetes'
// own, from their Go modules, and ours, from this repository.
//
// A program of others is described by a recipe: a folder under recipes/ with
// the go.mod and go.sum of a module that has the program as its one tool. So
// each has a dependency tree of its own, pinned by checksums, and none of it
// reaches our product's go.mod. The files are called module.mod and module.sum,
// because a folder with a go.mod is another module, which go:embed leaves out.
// Programs of one module may share a recipe, as its several tools.
//
// What is written in C comes from a package of Debian, unpacked into the cache
// and not installed.
//
// Built programs stay in a cache outside the repository, in [CacheDir], and are
// built once for all runs.
package build
