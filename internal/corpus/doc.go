// Package corpus reads the cases under inject/testdata/cases: pods, the cluster that
// they meet, and what akv-injector makes of them. The engine, the webhook and a real API
// server are all held against the same cases.
//
// A case is a folder whose name says the behaviour:
//
//	pod.yaml            the pod as it reaches admission
//	facts.yaml          Kubernetes objects, over those of inject/testdata/facts.yaml (optional)
//	options.yaml        the server's settings and who made the pod (optional)
//	want-pod.yaml       the pod afterwards; absent if it stays as it is, or is refused
//	want-class.yaml     the generated classes; absent if there are none
//	want-findings.yaml  errors and warnings; absent if there are none
//
// Anything else in the folder is an error, so that no file is left behind unread.
package corpus
