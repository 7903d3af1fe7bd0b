package inject

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// Rule is one line of the rule table: what docs, messages and waivers know of a rule.
type Rule struct {
	// ID never changes its meaning: AKV001.
	ID string
	// Name in a word or two: subpath.
	Name string
	// Severities that its findings can have, the gravest first.
	Severities []Severity
	// Waivable rules obey the allow annotation and rotation-policy.
	Waivable bool
	// Summary says what the rule finds.
	Summary string
	// Prevents says which failure of rotation it prevents.
	Prevents string
	// Evidence says how that is known: which component, in which version, does what.
	Evidence string
	// Remedy says how to mend what the rule finds.
	Remedy string
	// On says which objects the rule looks at.
	On []Place
}

// Place is a kind of object that rules look at.
type Place string

const (
	// OnPods are pods, when they are created.
	OnPods Place = "pods"
	// OnTemplates are the templates of workloads.
	OnTemplates Place = "templates"
	// OnClasses are SecretProviderClasses by themselves.
	OnClasses Place = "classes"
)

var (
	podsAndTemplates = []Place{OnPods, OnTemplates}
	everywhere       = []Place{OnPods, OnTemplates, OnClasses}
)

//go:generate go run ../internal/docgen ../docs/rules.md

// Rules is the rule table, by id. RuleByID finds one.
func Rules() []Rule {
	return []Rule{
		subPathRule, volumeReadOnlyRule, mountReadOnlyRule, pinnedVersionRule, pollIntervalRule,
		envFromSyncedSecretRule, classNotFoundRule, classParametersRule, attributeOverrideRule,
		classTwiceRule, identityModeRule, serviceAccountRule, identityTokenRule, identityMismatchRule,
		rotationOffRule, noDriverRule, mountConflictRule, vaultNotAllowedRule, fileModeRule,
		objectUnavailableRule, notOptedInRule, classInUseRule,
	}
}

// checks are the rules' looks at a pod. Those of AKV012 and, in part, AKV017 are the
// planner's; AKV020 waits for the vaults.
var checks = []func(*subject) []Finding{
	checkSubPath, checkVolumeReadOnly, checkMountReadOnly, checkPinnedVersion, checkPollInterval,
	checkClassNotFound, checkClassParameters, checkAttributeOverride, checkClassTwice, checkIdentityMode,
	checkMountConflict, checkVaultNotAllowed, checkEnvFromSyncedSecret, checkIdentityToken,
	checkIdentityMismatch, checkRotationOff, checkNoDriver, checkFileMode, checkNotOptedIn,
}

var rulesByID = func() map[string]*Rule {
	m := map[string]*Rule{}
	for _, r := range Rules() {
		m[r.ID] = &r
	}
	return m
}()

// RuleByID returns the rule of that id, or nil.
func RuleByID(id string) *Rule { return rulesByID[id] }

func waivable() []string {
	var ids []string
	for _, r := range Rules() {
		if r.Waivable {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// subject is what the rules look at: the pod as it will be, and the facts.
type subject struct {
	t    *workload.Target
	r    *Request
	f    facts.Facts
	spec *corev1.PodSpec
	// volumes of the secrets store.
	volumes []storeVolume
}

func (s *subject) SpecPath() *finding.Place { return s.t.SpecPath() }

// volume finds a secrets-store volume by its name.
func (s *subject) volume(name string) *storeVolume {
	for i := range s.volumes {
		if s.volumes[i].Name == name {
			return &s.volumes[i]
		}
	}
	return nil
}

// mountRef is a mount with its place in a container.
type mountRef struct {
	*corev1.VolumeMount
	container workload.Container
	index     int
}

// path is built only where something is found: most mounts are in order.
func (m mountRef) path(spec *finding.Place) *finding.Place {
	return m.container.Path(spec).Child("volumeMounts").Index(m.index)
}

// eachMount visits the mounts of all containers.
func (s *subject) eachMount(visit func(mountRef)) {
	workload.EachContainer(s.spec, func(c workload.Container) {
		for i := range c.VolumeMounts {
			visit(mountRef{&c.VolumeMounts[i], c, i})
		}
	})
}

// found makes a finding of a rule.
func found(id string, severity Severity, typ field.ErrorType, path *finding.Place, message, fix string) Finding {
	return Finding{Rule: id, Name: ruleName(id), Severity: severity, Type: typ, Place: path, Message: message, Fix: fix}
}

func ruleName(id string) string {
	if r := RuleByID(id); r != nil {
		return r.Name
	}
	return ""
}
