// Package controller keeps the generated SecretProviderClasses in step with the
// pods that mount them: it writes them at admission, restores those that are
// deleted or edited under a running pod, and collects those that no pod names any
// more.
//
// A pod's spec.volumes cannot change after creation, but its annotations can. So
// the name of a class is believed, since it comes from the volumes, and a content
// counts only if it hashes to that name. Classes without our managed-by label are
// never touched.
package controller
