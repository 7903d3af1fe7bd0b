// Package refresh makes the rotationPollInterval of a volume true.
//
// No released CSI driver reads that number. From driver 1.6 on the kubelet asks the driver every 60 to
// 90 s, and the driver skips what it wrote less than its own --rotation-poll-interval ago (its gate).
// But the kubelet also asks at once when an annotation of a running pod changes. So the leader
// learns when an object has a new version, and then changes one annotation of the pods whose record
// (SecretProviderClassPodStatus) has an older one: a nudge.
//
// It learns of new versions from the first record of a class that changes (a sighting), from one
// pod of a class that is nudged at the interval that is asked for (a canary), and from a vault's
// list of versions, where a fence names the vault.
//
// What is decided stands in state, which has no clock and makes no calls. Refresher feeds it from
// the caches and carries out what it wants done. Records are text from outside: they decide which
// pods are nudged, how often is bounded, and nothing of them is written anywhere unchecked.
package refresh
