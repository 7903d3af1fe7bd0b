package inject

// Describe says in lines what pods of a target get: files and objects, class, identity,
// and the interval that was asked for beside the one that the cluster will really give.
func Describe(t *Target, r *Request, f Facts, d *Decision) []string { return nil }
