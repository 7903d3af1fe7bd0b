package annotation

// Annotations for programs that restart a workload when a Secret changes. Stakater Reloader
// 1.4 reads those of the workload and of its template, Wave 0.5 those of the workload.
const (
	ReloaderAuto       = "reloader.stakater.com/auto"
	ReloaderSearch     = "reloader.stakater.com/search"
	ReloaderSecretAuto = "secret.reloader.stakater.com/auto"
	ReloaderSecrets    = "secret.reloader.stakater.com/reload"
	Wave               = "wave.pusher.com/update-on-config-change"
)

// ReloadsAll reports whether annotations have a program restart the workload when any Secret changes
// that it uses.
func ReloadsAll(annotations map[string]string) bool {
	for _, key := range []string{ReloaderAuto, ReloaderSearch, ReloaderSecretAuto, Wave} {
		if annotations[key] == "true" {
			return true
		}
	}
	return false
}

// Reloads reports whether they do when some Secret changes.
func Reloads(annotations map[string]string) bool {
	return ReloadsAll(annotations) || annotations[ReloaderSecrets] != ""
}
