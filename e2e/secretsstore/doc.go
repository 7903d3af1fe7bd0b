// Package secretsstore runs the real Secrets Store CSI driver and its provider for Azure
// Key Vault beside a kubelet of the test: both as programs of the machine, the driver
// with the CRDs, the CSIDriver object and the RBAC of its own module, and registered
// with the kubelet as in a cluster.
//
// # How the driver rotates, read in its source
//
// Driver 1.6.0 has no loop. The CSIDriver object's requiresRepublish makes the kubelet
// call NodePublishVolume for a mounted volume again and again, about once in its
// --sync-frequency, and with --enable-secret-rotation the driver acts on such a call, but
// not before --rotation-poll-interval has passed since the modification time of the
// volume's folder (nodeserver.go). Two things follow from that choice of clock:
//
//   - What changes that time is a write, and the driver writes only when the content
//     differs (atomic_writer.go). So the interval counts from the last change, not from
//     the last look: while nothing changes, every call of the kubelet asks Key Vault.
//   - The look at the clock comes before the look at whether anything is mounted. The
//     folder that a failed first call leaves is as new as a volume just written; where
//     the kubelet does not remove it, because the failure says Unavailable,
//     DeadlineExceeded, Aborted, Canceled or ResourceExhausted and so may not be final
//     (kubelet 1.37.2, csi_client.go; Unavailable takes three tries of the provider, since
//     both drivers' client of it tries again by itself, provider_client.go), the next call within the interval succeeds and
//     nothing is mounted. TestRetryWithinTheIntervalMountsNothing shows the driver's half.
//     What a call after the interval then mounts, a container that has started meanwhile
//     does not see, unless its mount has a mountPropagation. TestFirstMount160 of package
//     rotation shows all of it with a kubelet.
//
// A driver that ends while it waits for the provider leaves an empty volume mounted. Calls
// within the interval then succeed, and the first one after it fills the volume; with
// 1.4.8 it stays empty for the pod's life (TestRetryAfterACrashMountsNothing).
//
// On a later call errors of the provider, and of writing the SecretProviderClassPodStatus,
// are answered with success and only counted and logged; that of a class that is not there
// is returned.
//
// Driver 1.4.8 answers a call for a mounted volume with success and does nothing. With
// --enable-secret-rotation a loop in it goes through the SecretProviderClassPodStatuses of
// its node at every --rotation-poll-interval, and calls the provider for each, one after the
// other (reconciler.go). That call differs from the kubelet's:
//
//   - The volumeAttributes of the pod are left out. What they override in the class at
//     the mount, such as keyvaultName or clientID, is not overridden in a rotation.
//   - The service account's token is asked for by the driver itself (pkg/k8s/token.go), for
//     the audiences of the CSIDriver object, which takes RBAC of its own. At the mount
//     the kubelet's is taken, from the volume context alone: an object with
//     serviceAccountTokenInSecrets, which 1.6.0 knows, would make 1.4.8 ask there too.
//   - Failures are events of the pod (MountRotationFailed), tried again after 10 s.
package secretsstore
