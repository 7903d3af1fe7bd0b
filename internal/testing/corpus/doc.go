// Package corpus reads the cases under inject/testdata/cases: objects, the cluster that
// they meet, and what akv-injector makes of them. The engine, the webhook, kubectl akv
// lint and a real API server are all held against the same cases.
//
// A case is a folder whose name says the behaviour:
//
//	pod.yaml              the pod as it reaches admission, or
//	object.yaml           a workload or a SecretProviderClass
//	old.yaml              what is stored before: the object is updated, or, with
//	                      operation: DELETE in the options and no object, deleted
//	facts.yaml            Kubernetes objects, over those of inject/testdata/facts.yaml (optional)
//	options.yaml          the server's settings, who made the object, and what the
//	                      vaults say (optional)
//	want-pod.yaml         the pod afterwards; absent if it stays as it is, or is refused
//	want-class.yaml       the generated classes; absent if there are none
//	want-findings.yaml    errors and warnings; absent if there are none
//	want-description.txt  what a dry run of a workload says that its pods will get
//
// Without a vault in the options nobody asks one, as kubectl akv lint does not. With one it
// answers for every object that it is asked about, those that it does not have too.
//
// The facts are all that there is: an object that is not among them does not exist. Only
// of the driver's flags, without its DaemonSet, nothing is known.
//
// Anything else in the folder is an error, so that no file is left behind unread.
package corpus
