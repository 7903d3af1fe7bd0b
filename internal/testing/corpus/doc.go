// Package corpus reads the cases under inject/testdata: objects, the cluster that they meet,
// and what akv-injector makes of them. The engine, the webhook, kubectl akv lint and a real
// API server are all held against the same cases.
//
// A case is one file in the txtar format, whose name says the behaviour, in a folder that
// says the subject:
//
//	rules/AKV001/  what a rule finds
//	request/       mistakes in annotations and labels, and pods that ask for nothing
//	plan/          what pods get
//	class/         SecretProviderClasses by themselves
//	update/        updates and deletions
//	fine/          correct objects, in which nothing may be found
//
// Its parts:
//
//	options.yaml          the names of shared facts, the server's settings, who made the
//	                      object, and what the vaults say (optional)
//	facts.yaml            Kubernetes objects of its own (optional)
//	pod.yaml              the pod as it reaches admission, or
//	object.yaml           a workload or a SecretProviderClass
//	old.yaml              what is stored before: the object is updated, or, with
//	                      operation: DELETE in the options and no object, deleted
//	want-pod.yaml         the pod afterwards; absent if it stays as it is, or is refused
//	want-class.yaml       the generated classes; absent if there are none
//	want-findings.yaml    errors and warnings; absent if there are none
//	want-description.txt  what a dry run of a workload says that its pods will get
//
// The facts of a case are those of facts/cluster.yaml, over them the shared facts that its
// options name (facts: [class, vault-checks] stands for facts/class.yaml and
// facts/vault-checks.yaml), over them its own. They are all that there is: an object that is
// not among them does not exist. Only of the driver's flags, without its DaemonSet, nothing
// is known.
//
// Without a vault in the options none is asked, as kubectl akv lint does not. With one it
// answers for every object that it is asked about, those that it does not have too.
//
// Parts that are not known, shared facts that no case names, and names of facts that are not
// there are errors, so that nothing is left behind unread. "go test ./inject -update" writes
// the parts whose names begin with want.
package corpus
