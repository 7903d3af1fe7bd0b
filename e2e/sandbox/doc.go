// Package sandbox runs a program, such as a test binary, where a Kubernetes node can
// be run without leaving anything behind: with processes, mounts and a network of its
// own (Linux namespaces), over the same files.
//
// The program starts itself again twice. The first process stays outside, waits, and
// at the end removes what namespaces do not: the run's cgroups and one empty folder. If it
// is killed the next run does, or [Sweep].
// The second is the first process of the new namespaces; when it ends, however that
// comes about, the kernel kills every other one in them and drops their mounts and
// interfaces. The third is the program proper, which [Inside] tells.
//
// In there the root of all cgroups is the run's own, the temporary folder is a file system in
// memory, writes under /run,
// /var/lib and /var/log go to it too, the loopback interface is the only one, with
// the addresses [NodeIP] and [AzureIP], and names are resolved at [AzureIP]. Two
// sandboxes never meet: they may use the same ports.
package sandbox
