package corpus

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/workload"
)

// Names of the parts of a case.
const (
	PodFile             = "pod.yaml"
	ObjectFile          = "object.yaml"
	OldFile             = "old.yaml"
	FactsFile           = "facts.yaml"
	OptionsFile         = "options.yaml"
	WantPodFile         = "want-pod.yaml"
	WantClassFile       = "want-class.yaml"
	WantFindingsFile    = "want-findings.yaml"
	WantDescriptionFile = "want-description.txt"
)

// WantFiles are those that a test writes with -update.
var WantFiles = []string{WantPodFile, WantClassFile, WantFindingsFile, WantDescriptionFile}

// Namespace in which the objects of all cases are.
const Namespace = "apps"

// Version of the program that the status annotations of the cases name.
const Version = "v0.0.0-test"

// Case is one file of the corpus.
type Case struct {
	// Name of the file, without its ending: the behaviour.
	Name string
	// Subject is the folder that it is in: rules/AKV001.
	Subject string
	// Pod as it reaches admission, and the same as JSON with the fields that Pod has no
	// place for. Nil where the case is about an object of another kind.
	Pod     *corev1.Pod
	PodJSON []byte
	// Object that the case is about: its pod, a workload or a SecretProviderClass; nil
	// where it is deleted. Old is what was stored before, nil where it is created.
	Object, Old         runtime.Object
	ObjectJSON, OldJSON []byte
	Options             Options
	// Want has the text of the want files, by name.
	Want map[string][]byte

	path               string
	archive            *archive
	objects            objects
	vaultExpiryWarning time.Duration
}

// Options are what the pod and the cluster's objects do not say.
type Options struct {
	// Facts names shared facts.
	Facts    []string `json:"facts"`
	Settings struct {
		TenantID             string `json:"tenantID"`
		Cloud                string `json:"cloud"`
		RotationPollInterval string `json:"rotationPollInterval"`
		IdentityMode         string `json:"identityMode"`
		ForbidAllow          bool   `json:"forbidAllow"`
		DrivesRotation       bool   `json:"drivesRotation"`
		Restarts             bool   `json:"restarts"`
		MountedGate          bool   `json:"mountedGate"`
		VaultChecks          string `json:"vaultChecks"`
		VaultExpiryWarning   string `json:"vaultExpiryWarning"`
	} `json:"settings"`
	// Vault is what the vaults say, nil where they are not asked.
	Vault *Vault `json:"vault"`
	// Origin is user (the default), controller or builtin-controller.
	Origin string `json:"origin"`
	// Mutating is true unless it is set: false stands for the validating round alone.
	Mutating *bool `json:"mutating"`
	// Admitted is set where all mutating webhooks have had their say: see workload.Target.
	Admitted bool `json:"admitted"`
	// Operation is DELETE, for a case with an old.yaml alone; otherwise the files show it.
	Operation string `json:"operation"`
	// Bindings are the identities that service accounts may use through identity bindings, by the account. Others may use none;
	// where it is nil, that is not known.
	Bindings map[string]string `json:"bindings"`
	// Calls are those that pods have made to vaults each time, by the vault's name.
	Calls map[string]int `json:"calls"`
	// NoClassCRD is set where the cluster does not know SecretProviderClasses.
	NoClassCRD bool `json:"noClassCRD"`
}

var origins = map[string]workload.Origin{
	"":                   workload.FromUser,
	"user":               workload.FromUser,
	"controller":         workload.FromController,
	"builtin-controller": workload.FromBuiltinController,
}

// Root is the folder of the corpus in the source tree that the working folder is in: for a
// test, that of its package. (A test's own idea of where it was compiled from is no help:
// it is not there with -trimpath, which lets all clones share what is compiled.)
func Root() string {
	working, err := os.Getwd()
	if err != nil {
		panic("corpus: " + err.Error())
	}
	for dir := working; ; dir = filepath.Dir(dir) {
		root := filepath.Join(dir, "inject", "testdata")
		if _, err := os.Stat(filepath.Join(root, factsDir)); err == nil {
			return root
		}
		if dir == filepath.Dir(dir) {
			panic("corpus: no inject/testdata above " + working)
		}
	}
}

// Folders under the root: of shared facts, and of what go test keeps of fuzzing.
const (
	factsDir  = "facts"
	fuzzDir   = "fuzz"
	caseEnd   = ".txtar"
	factsEnd  = ".yaml"
	mainFacts = "cluster"
)

// Load reads all cases under root, in the order of their names.
func Load(root string) ([]*Case, error) {
	shared, err := loadFacts(filepath.Join(root, factsDir))
	if err != nil {
		return nil, err
	}
	var cases []*Case
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (path == filepath.Join(root, factsDir) || path == filepath.Join(root, fuzzDir)):
			return filepath.SkipDir
		case e.IsDir():
			return nil
		case filepath.Ext(path) != caseEnd:
			return fmt.Errorf("%s: only cases, which end in %s, belong here", path, caseEnd)
		}
		c, err := loadCase(root, path, shared)
		cases = append(cases, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(cases, func(a, b *Case) int { return strings.Compare(a.Name, b.Name) })
	for i := range cases[1:] {
		if cases[i].Name == cases[i+1].Name {
			return nil, fmt.Errorf("%s and %s: two cases of one name", cases[i].path, cases[i+1].path)
		}
	}
	return cases, shared.unused()
}

func loadCase(root, path string, shared *sharedFacts) (*Case, error) {
	subject, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	c := &Case{
		Name: strings.TrimSuffix(filepath.Base(path), caseEnd), Subject: filepath.ToSlash(subject),
		Want: map[string][]byte{}, path: path, vaultExpiryWarning: inject.DefaultVaultExpiryWarning,
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := c.parse(text, shared); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func (c *Case) parse(text []byte, shared *sharedFacts) error {
	var err error
	if c.archive, err = parseArchive(text); err != nil {
		return err
	}
	if options := c.archive.find(OptionsFile); options != nil {
		if err := c.readOptions(options.text); err != nil {
			return fmt.Errorf("%s: %w", OptionsFile, err)
		}
	}
	if c.objects, err = shared.named(c.Options.Facts); err != nil {
		return err
	}
	for _, p := range c.archive.parts {
		if err := c.read(p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return c.check()
}

// Part is the text of a part, nil if the case has none of that name.
func (c *Case) Part(name string) []byte {
	if p := c.archive.find(name); p != nil {
		return p.text
	}
	return nil
}

// Update writes the want parts again.
func (c *Case) Update(want map[string][]byte) error {
	updated := &archive{comment: c.archive.comment}
	for _, p := range c.archive.parts {
		if !slices.Contains(WantFiles, p.name) {
			updated.parts = append(updated.parts, p)
		}
	}
	for _, name := range WantFiles {
		if text, ok := want[name]; ok {
			updated.parts = append(updated.parts, part{name, text})
		}
	}
	return os.WriteFile(c.path, updated.format(), 0o644)
}

// check finds parts that do not go together.
func (c *Case) check() error {
	deletes := c.Options.Operation == Delete
	switch {
	case c.Options.Operation != "" && !deletes:
		return fmt.Errorf("operation %q: only %s is written, the files show the others", c.Options.Operation, Delete)
	case deletes && (c.Old == nil || c.Object != nil):
		return fmt.Errorf("a deletion has an %s and nothing else", OldFile)
	case c.Object == nil && !deletes:
		return fmt.Errorf("a case needs a %s or an %s", PodFile, ObjectFile)
	case c.Old != nil && c.Object != nil && reflect.TypeOf(c.Old) != reflect.TypeOf(c.Object):
		return fmt.Errorf("%s is a %T and the object a %T", OldFile, c.Old, c.Object)
	case c.Old != nil && c.Pod != nil:
		return fmt.Errorf("an update of a pod is nothing that akv-injector sees")
	}
	return nil
}

func (c *Case) read(p part) error {
	switch {
	case p.name == FactsFile:
		own, err := readObjects(p.text)
		c.objects = c.objects.under(own)
		return err
	case p.name == PodFile || p.name == ObjectFile:
		return c.readObject(p)
	case p.name == OldFile:
		var err error
		c.Old, c.OldJSON, err = readSubject(p.text)
		return err
	case p.name == OptionsFile:
		return nil // was read first
	case slices.Contains(WantFiles, p.name):
		c.Want[p.name] = p.text
		return nil
	}
	return fmt.Errorf("no part of a case has this name")
}

func (c *Case) readObject(p part) error {
	if c.Object != nil {
		return fmt.Errorf("the case has an object already")
	}
	var err error
	if c.Object, c.ObjectJSON, err = readSubject(p.text); err != nil {
		return err
	}
	pod, isPod := c.Object.(*corev1.Pod)
	if isPod != (p.name == PodFile) {
		return fmt.Errorf("a %T, where a Pod belongs in %s and everything else in %s", c.Object, PodFile, ObjectFile)
	}
	c.Pod = pod
	if isPod {
		c.PodJSON = c.ObjectJSON
	}
	return nil
}

func (c *Case) readOptions(text []byte) error {
	if err := yaml.UnmarshalStrict(text, &c.Options); err != nil {
		return err
	}
	if _, ok := origins[c.Options.Origin]; !ok {
		return fmt.Errorf("no such origin: %q", c.Options.Origin)
	}
	if after := c.Options.Settings.VaultExpiryWarning; after != "" {
		var err error
		if c.vaultExpiryWarning, err = time.ParseDuration(after); err != nil {
			return err
		}
	}
	return c.Options.Vault.check()
}

// Mutating reports whether the case is about the mutating round.
func (c *Case) Mutating() bool { return c.Options.Mutating == nil || *c.Options.Mutating }

// Settings are the server's.
func (c *Case) Settings() inject.Settings {
	s := c.Options.Settings
	return inject.Settings{
		TenantID: s.TenantID, Cloud: s.Cloud, RotationPollInterval: s.RotationPollInterval, IdentityMode: s.IdentityMode,
		ForbidAllow: s.ForbidAllow, DrivesRotation: s.DrivesRotation, Restarts: s.Restarts, MountedGate: s.MountedGate, Version: Version,
		VaultChecks: s.VaultChecks, VaultExpiryWarning: c.vaultExpiryWarning,
	}
}
