// Package inject decides what akv-injector does with a pod: it parses the
// annotations into a Request, plans what the pod gets, builds the JSON Patch and
// the SecretProviderClasses behind it, and runs the rules that keep rotation
// working.
//
// Everything here is a pure function of its arguments. There are no clients, no
// clock, no environment and no log: the webhook, the kubectl plugin and the tests
// look up the facts in their own ways and get the same answer.
package inject
