package request

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// classVolume is the name of the volume for a class that the annotation names. Names of
// volumes for generated classes begin with akv-, so they differ from it.
const classVolume = "secret-provider-class"

// parseMounts collects the volumes that the pod asks for.
func (p *parser) parseMounts(keys []string) {
	vault := p.setting(annotation.Vault, "", provider.VaultProblem)
	defaultVault := strings.ToLower(vault.Value)

	if name, ok := p.pod(annotation.SecretProviderClass); ok {
		p.parseClass(strings.TrimSpace(name))
	}
	byVault := map[string]*Mount{}
	for _, key := range keys { // sorted, so the default vault's own key comes first
		name, ok := strings.CutPrefix(key, annotation.Objects)
		if !ok || name != "" && name[0] != '.' {
			continue
		}
		name = strings.ToLower(strings.TrimPrefix(name, "."))
		if key == annotation.Objects {
			if vault.Level == Unset {
				p.namespaceErrorf(finding.Required(p.target.AnnotationPath(annotation.Vault), finding.Problem{
					What: "not set, so the vault of the objects is unknown",
					Fix:  fmt.Sprintf("set %s on the pod or on its namespace, or write %s.<vault>", annotation.Vault, annotation.Objects),
				}))
			}
			name = defaultVault
		}
		path := p.target.AnnotationPath(key)
		objects, errs := provider.ParseObjects(p.target.Meta.Annotations[key], path)
		p.Errors = append(p.Errors, errs...)
		m := byVault[name]
		if m == nil {
			m = &Mount{Vault: name, Volume: provider.GeneratedPrefix + name, FieldPath: path, Complete: true}
			byVault[name] = m
		} else {
			// Two annotations for one vault: names that differ in case, or the default vault by name.
			p.Errors = append(p.Errors, mergeClashes(m.Objects, objects, path)...)
		}
		m.Complete = m.Complete && len(errs) == 0
		m.Objects = append(m.Objects, objects...)
	}
	if len(byVault) > MaxVaults {
		p.errorf(finding.TooMany(p.target.AnnotationsPath(), len(byVault), MaxVaults))
		p.Errors[len(p.Errors)-1].Problem = finding.Problem{
			What: fmt.Sprintf("must name at most %d vaults", MaxVaults),
			Fix:  fmt.Sprintf("reduce the number of vaults to at most %d", MaxVaults),
		}
		p.TooLarge = true
		return
	}
	vaults := make([]string, 0, len(byVault))
	for name := range byVault {
		vaults = append(vaults, name)
	}
	slices.Sort(vaults)
	for _, name := range vaults {
		m := byVault[name]
		if len(m.Objects) > provider.MaxObjects {
			p.errorf(provider.TooManyObjects(m.FieldPath, len(m.Objects)))
			m.Complete = false
		}
		provider.SortObjects(m.Objects)
		p.Mounts = append(p.Mounts, *m)
	}
	p.parseMountPaths(defaultVault)
}

// mergeClashes finds files that a second annotation for the same vault overwrites.
func mergeClashes(first, second []provider.Object, path *finding.Place) finding.FieldErrors {
	both := append(slices.Clone(first), second...)
	return provider.FileClashes(both, path)
}

func (p *parser) parseClass(name string) {
	path := p.target.AnnotationPath(annotation.SecretProviderClass)
	switch problem := workload.NameProblem(name); {
	case problem.Found():
		p.errorf(finding.Invalid(path, name, problem))
	case provider.Reserved(name):
		p.errorf(finding.Forbidden(path, finding.Problem{
			What: "names that begin with " + provider.GeneratedPrefix + " are reserved for generated classes",
			Fix:  "list the objects in " + annotation.Objects + ", or give your class another name",
		}))
	default:
		p.Mounts = append(p.Mounts, Mount{Class: name, Volume: classVolume, FieldPath: path})
	}
	if _, ok := p.pod(annotation.Objects); ok {
		p.errorf(finding.Forbidden(path, finding.Problem{What: fmt.Sprintf("replaces %s, which is set too", annotation.Objects), Fix: fmt.Sprintf("remove one of the two, or name the vault: %s.<vault>", annotation.Objects)}))
	}
}

// parseMountPaths sets the path of every mount. The default vault or a named class has the
// plain path; a further vault has a path with its name.
func (p *parser) parseMountPaths(defaultVault string) {
	windows := p.target.Windows()
	base := workload.DefaultMountPath(windows)
	check := func(v string) finding.Problem { return workload.MountPathProblem(v, windows) }
	plain := p.setting(annotation.MountPath, "", check)
	perVault := p.vaultPaths(check)

	_, hasClass := p.pod(annotation.SecretProviderClass)
	for i := range p.Mounts {
		m := &p.Mounts[i]
		own, named := perVault[m.Vault]
		isDefault := m.Class != "" || m.Vault == defaultVault && !hasClass
		// The default vault's path on the pod takes precedence over the namespace's.
		nearer := isDefault && plain.Level != Unset && plain.Level < own.Level
		switch {
		case named && m.Class == "" && !nearer:
			m.Path = own.Value
			if isDefault && plain.Level == own.Level && plain.Value != own.Value {
				p.namespaceErrorf(finding.Invalid(own.Path, own.Value, finding.Problem{What: fmt.Sprintf("contradicts %s, which is for the same vault", annotation.MountPath), Fix: "remove one of the two"}))
			}
		case isDefault && plain.Level != Unset:
			m.Path = plain.Value
		case isDefault:
			m.Path = base
		default:
			m.Path = base + "-" + m.Vault
		}
	}
	p.checkUnusedPaths(perVault)
	p.checkOverlap(windows)
}

// checkUnusedPaths reports paths for vaults that the pod does not use: they are misspelt.
func (p *parser) checkUnusedPaths(perVault map[string]Setting) {
	for _, vault := range slices.Sorted(maps.Keys(perVault)) {
		s := perVault[vault]
		if s.Level == OnPod && !slices.ContainsFunc(p.Mounts, func(m Mount) bool { return m.Vault == vault }) {
			known := make([]string, 0, len(p.Mounts))
			for _, m := range p.Mounts {
				if m.Vault != "" {
					known = append(known, m.Vault)
				}
			}
			p.namespaceErrorf(finding.Invalid(s.Path, vault, finding.Problem{What: "the pod asks for nothing from this vault", Fix: p.hints.DidYouMean(vault, known)}))
		}
	}
}

// checkOverlap reports mounts at or below one another, since one would hide the other.
func (p *parser) checkOverlap(windows bool) {
	for i, a := range p.Mounts {
		for _, b := range p.Mounts[:i] {
			if a.Path == "" || b.Path == "" {
				continue
			}
			ca, cb := workload.ComparablePath(a.Path, windows), workload.ComparablePath(b.Path, windows)
			if ca == cb || workload.PathBelow(ca, cb) || workload.PathBelow(cb, ca) {
				p.namespaceErrorf(finding.Invalid(a.FieldPath, a.Path, finding.Problem{What: fmt.Sprintf("overlaps with another mount path of the pod (%s)", text.Shorten(b.Path)), Fix: fmt.Sprintf("set separate paths with %s.<vault>", annotation.MountPath)}))
			}
		}
	}
}

// vaultPaths reads mount-path.<vault> from the pod, then the namespace.
func (p *parser) vaultPaths(check func(string) finding.Problem) map[string]Setting {
	paths := map[string]Setting{}
	asked := func(vault string) bool {
		return slices.ContainsFunc(p.Mounts, func(m Mount) bool { return m.Class == "" && m.Vault == vault })
	}
	for _, from := range []struct {
		annotations map[string]string
		level       Level
	}{{p.target.Meta.Annotations, OnPod}, {p.ns.Annotations, OnNamespace}} {
		for _, key := range annotation.Ours(from.annotations) {
			vault, ok := strings.CutPrefix(key, annotation.MountPath+".")
			vault = strings.ToLower(vault)
			other, found := paths[vault]
			if !ok || found && other.Level < from.level {
				continue
			}
			if from.level == OnNamespace && !asked(vault) {
				continue // meant for other pods, perhaps of another os
			}
			s := p.setting(key, "", check)
			if found && other.Value != s.Value {
				p.namespaceErrorf(finding.Duplicate(s.Path, s.Value, finding.Problem{What: fmt.Sprintf("is a second mount path for the vault %q, since vault names are case-insensitive", text.Shorten(vault)), Fix: "remove one"}))
			}
			if !found {
				paths[vault] = s
			}
		}
	}
	return paths
}
