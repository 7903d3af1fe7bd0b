package annotation

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Annotation describes an annotation that a user may write.
type Annotation struct {
	// Key with the prefix.
	Key string
	// Pod and Namespace are set if it is allowed on pods, and on namespaces.
	Pod, Namespace bool
	// Flag is set if a flag of the server with the same name sets the default.
	Flag bool
	// ByHand is set if it also serves pods whose volumes were written by hand.
	ByHand bool
	// PerVault is set if a dot and a vault's name may follow.
	PerVault bool
	// Elsewhere names further objects on which it is allowed.
	Elsewhere []string
	// Default and Meaning are its description in the docs, in Markdown. VaultMeaning
	// describes the form with a vault's name, if that has a line of its own.
	Default, Meaning, VaultMeaning string
	// Brief is Meaning in a few words, for an overview.
	Brief, VaultBrief string
}

// Short is the key without the prefix.
func (a *Annotation) Short() string { return strings.TrimPrefix(a.Key, Prefix) }

// Vocabulary is every annotation that a user may write, in the order of the docs.
func Vocabulary() []Annotation { return slices.Clone(vocabulary) }

var vocabulary = []Annotation{
	{
		Key: Objects, Pod: true, PerVault: true,
		Meaning:      "the objects from the default vault; asks for injection",
		Brief:        "`[FILE=][TYPE/]NAME`, one per line or comma-separated; TYPE is `secret`, `key` or `cert`. Or the provider's own YAML",
		VaultBrief:   "objects from a further vault",
		VaultMeaning: "objects from a further vault: one more volume, one more class. Vault names are case-insensitive; the default vault's own name here adds to `objects`",
	},
	{
		Key: Vault, Pod: true, Namespace: true, Meaning: "default vault's name",
		Brief: "default vault",
	},
	{
		Key: SecretProviderClass, Pod: true, Meaning: "mounts this existing class instead of `objects`",
		Brief: "mounts this existing class instead",
	},
	{
		Key: ServiceAccount, Pod: true, Namespace: true, Default: "the pod's own", Meaning: "service account that the pod runs as",
		Brief: "service account that the pod runs as",
	},
	{
		Key: ClientID, Pod: true, Namespace: true, Default: "the ServiceAccount's `azure.workload.identity/client-id`", Meaning: "identity that reads the vault, a GUID",
		Brief: "identity that reads the vault",
	},
	{
		Key: TenantID, Pod: true, Namespace: true, Flag: true, Default: "the ServiceAccount's `azure.workload.identity/tenant-id`", Meaning: "tenant of the vault, a GUID or a domain name",
		Brief: "tenant of the vault",
	},
	{
		Key: Cloud, Namespace: true, Flag: true, Default: "`AzurePublicCloud`", Meaning: "also `AzureUSGovernmentCloud`, `AzureChinaCloud`, `AzureGermanCloud`",
		Brief: "cloud of the vault",
	},
	{
		Key: RotationPollInterval, Pod: true, Namespace: true, Flag: true, Default: "`2m`", Meaning: "a Go duration, at least 10s. See [the limits](#limits)",
		Brief: "a Go duration, at least 10s",
	},
	{
		Key: MountPath, Pod: true, Namespace: true, PerVault: true, Default: "`/mnt/secrets-store`, `/mnt/secrets-store-<vault>`", Meaning: "absolute and clean; on a pod with `os: {name: windows}` a path like `C:\\mnt\\secrets-store`, which is also its default",
		Brief: "where the files are",
	},
	{
		Key: Containers, Pod: true, Default: "every container that the pod had when first admitted, init containers and native sidecars too", Meaning: "comma-separated names. Sidecars that other webhooks add later get no secrets unless they are named",
		Brief: "which containers get the mount",
	},
	{
		Key: Env, Pod: true, Meaning: "list of `NAME=FILE`: NAME holds the path of the mounted file, never its value, so it stays valid across rotations",
		Brief: "`NAME=FILE`: NAME holds the file's path, never its value",
	},
	{
		Key: WorkloadIdentityLabel, Pod: true, Namespace: true, Default: "`true`", Meaning: "`false` leaves the label `azure.workload.identity/use` off; only SDKs inside the pod need it",
		Brief: "`false` leaves the identity label off",
	},
	{
		Key: IdentityMode, Pod: true, Namespace: true, Flag: true, Default: "`federated`", Meaning: "how the identity is reached: `federated`, by a federated credential for the service account; `binding`, by an [identity binding of AKS](identity-bindings.md), which needs none; `auto`, by a binding where the account may use the identity so, and otherwise federated",
		Brief: "`federated`, `binding` or `auto`",
	},
	{
		Key: Inject, Pod: true, Meaning: "`false` opts the pod out",
		Brief: "`false` opts out",
	},
	{
		Key: Allow, Pod: true, ByHand: true, Elsewhere: []string{"workload", "class"}, Meaning: "ids of waivable rules to allow, such as `AKV001`, or `AKV001 until 2027-03-01 because the reader is old`; each is shown as a warning, and one that has ended is an error again, but for pods that a controller creates. The flag `--forbid-allow` refuses it",
		Brief: "ids of waivable rules to allow",
	},
	{
		Key: AllowedVaults, Namespace: true, Default: "any", Meaning: "globs, such as `payments-*`: a vault that matches none of them is refused (AKV018, which nothing waives)",
		Brief: "globs of the allowed vaults, which nothing waives",
	},
	{
		Key: RotationPolicy, Namespace: true, Default: "`enforce`", Meaning: "`warn` turns the errors of waivable rules into warnings, for adoption",
		Brief: "`warn` for adoption",
	},
	{
		Key: VaultChecks, Namespace: true, Flag: true, Default: "`off`", Meaning: "`warn` or `enforce`: check in the vault that the objects exist, are enabled and are valid (AKV020). Only vaults that `allowed-vaults` matches are queried. See [vault checks](vault-checks.md)",
		Brief: "`warn` or `enforce`: check in the vault that the objects exist",
	},
	{
		Key: Rotation, Namespace: true, Default: "`on`", Meaning: "`off` stops akv-injector from making the kubelet ask for new versions here at once; on akv-injector's own namespace, everywhere. See [rotation](rotation.md)",
		Brief: "`off` leaves rotation to the driver alone",
	},
	{
		Key: OnRotation, Pod: true, Namespace: true, ByHand: true, Default: "`none`", Meaning: "`restart` restarts the workload, as `kubectl rollout restart` does, when a mounted version has changed: for programs that do not read the file again; `evict` evicts its pods one after the other instead. Needs `restart.enabled`. See [restarts](rotation.md#restart-what-does-not-read-again)",
		Brief: "`restart` or `evict` for programs that do not read the file again",
	},
	{
		Key: Settle, Pod: true, Namespace: true, ByHand: true, Default: "`2m`", Meaning: "how long a restart waits for further changes",
		Brief: "how long a restart waits for further changes",
	},
	{
		Key: RestartWindow, Pod: true, Namespace: true, ByHand: true, Default: "always", Meaning: "when restarts may begin: five fields of cron, a duration, and maybe a time zone, such as `0 2 * * 6 4h Europe/Berlin`",
		Brief: "when restarts may begin",
	},
	{
		Key: MaxParallel, Pod: true, Namespace: true, ByHand: true, Default: "`1`", Meaning: "how many workloads of the namespace that share an object are restarted at once",
		Brief: "workloads of an object that restart at once",
	},
	{
		Key: MountedGate, Pod: true, Namespace: true, Default: "`false`", Meaning: "`true` gives the pod the readiness gate `azure.keyvault.injector/mounted`: it is not Ready before the driver has mounted its secrets, so that no Service points at a pod [without its files](operations.md#a-pod-that-starts-without-its-files). Needs `mountedGate.enabled`. See [the gate](rotation.md#no-traffic-before-the-files-are-there)",
		Brief: "`true`: not Ready before the secrets are mounted",
	},
	{
		Key: OnEmpty, Pod: true, Namespace: true, ByHand: true, Default: "`none`", Meaning: "`evict` replaces a pod that runs [without its files](operations.md#a-pod-that-starts-without-its-files). Needs `restart.enabled`",
		Brief: "`evict` replaces a pod that runs without its files",
	},
}

// Find returns the annotation of a key under our prefix, and the vault's name in the key.
func Find(key string) (a *Annotation, vault string, ok bool) {
	base, vault, dotted := strings.Cut(strings.TrimPrefix(key, Prefix), ".")
	i := slices.IndexFunc(vocabulary, func(a Annotation) bool { return a.Key == Prefix+base })
	if i < 0 || dotted && !vocabulary[i].PerVault {
		return nil, "", false
	}
	return &vocabulary[i], vault, true
}

// TakesNoVault reports whether a key would be known without its dot and the text after
// it.
func TakesNoVault(key string) bool {
	base, _, _ := strings.Cut(strings.TrimPrefix(key, Prefix), ".")
	return slices.ContainsFunc(vocabulary, func(a Annotation) bool { return a.Key == Prefix+base })
}

// Ours are the keys under our prefix, sorted.
func Ours(m map[string]string) []string {
	var keys []string
	for k := range m {
		if strings.HasPrefix(k, Prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// OptedIn reports whether the namespace has opted in to akv-injector.
func OptedIn(ns *corev1.Namespace) bool {
	return ns != nil && ns.Labels[LabelInjection] == InjectionEnabled
}
