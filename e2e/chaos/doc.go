// Package chaos has akv-injector installed as users have it, with two replicas, asks it for everything that it is asked for, and breaks what can
// break beside it. What came of it is counted, for each fault by itself.
package chaos
