package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/workload"
)

// Names of the files of a case.
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

// Case is one folder of the corpus.
type Case struct {
	// Name of the folder: the behaviour.
	Name string
	Dir  string
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

	objects            objects
	vaultExpiryWarning time.Duration
}

// Options are what the pod and the cluster's objects do not say.
type Options struct {
	Settings struct {
		TenantID             string `json:"tenantID"`
		Cloud                string `json:"cloud"`
		RotationPollInterval string `json:"rotationPollInterval"`
		ForbidAllow          bool   `json:"forbidAllow"`
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
	// Operation is DELETE, for a case with an old.yaml alone; otherwise the files tell.
	Operation string `json:"operation"`
	// NoClassCRD is set where the cluster does not know SecretProviderClasses.
	NoClassCRD bool `json:"noClassCRD"`
}

var origins = map[string]workload.Origin{
	"":                   workload.FromUser,
	"user":               workload.FromUser,
	"controller":         workload.FromController,
	"builtin-controller": workload.FromBuiltinController,
}

// Root is the folder of the cases in the source tree that the working folder is in: for a
// test, that of its package. (A test's own idea of where it was compiled from is no help:
// it is not there with -trimpath, which lets all clones share what is compiled.)
func Root() string {
	working, err := os.Getwd()
	if err != nil {
		panic("corpus: " + err.Error())
	}
	for dir := working; ; dir = filepath.Dir(dir) {
		cases := filepath.Join(dir, "inject", "testdata", "cases")
		if _, err := os.Stat(cases); err == nil {
			return cases
		}
		if dir == filepath.Dir(dir) {
			panic("corpus: no inject/testdata/cases above " + working)
		}
	}
}

// Load reads all cases under root, and the facts that they share, which are beside it.
func Load(root string) ([]*Case, error) {
	shared, err := readObjects(filepath.Join(filepath.Dir(root), FactsFile))
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var cases []*Case
	for _, e := range entries {
		if !e.IsDir() {
			return nil, fmt.Errorf("%s: only folders, one a case, belong here", filepath.Join(root, e.Name()))
		}
		c, err := load(filepath.Join(root, e.Name()), shared)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func load(dir string, shared objects) (*Case, error) {
	c := &Case{
		Name: filepath.Base(dir), Dir: dir, Want: map[string][]byte{}, objects: shared,
		vaultExpiryWarning: inject.DefaultVaultExpiryWarning,
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := c.read(e.Name()); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return c, nil
}

// check finds files that do not go together.
func (c *Case) check() error {
	deletes := c.Options.Operation == Delete
	switch {
	case c.Options.Operation != "" && !deletes:
		return fmt.Errorf("operation %q: only %s is written, the files tell the others", c.Options.Operation, Delete)
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

func (c *Case) read(name string) error {
	path := filepath.Join(c.Dir, name)
	switch {
	case name == FactsFile:
		own, err := readObjects(path)
		if err != nil {
			return err
		}
		c.objects = c.objects.under(own)
		return nil
	case name == PodFile || name == ObjectFile:
		if c.Object != nil {
			return fmt.Errorf("the case has an object already")
		}
		var err error
		c.Object, c.ObjectJSON, err = readSubject(path)
		if err != nil {
			return err
		}
		pod, isPod := c.Object.(*corev1.Pod)
		if isPod != (name == PodFile) {
			return fmt.Errorf("a %T, where a Pod belongs in %s and everything else in %s", c.Object, PodFile, ObjectFile)
		}
		c.Pod = pod
		if isPod {
			c.PodJSON = c.ObjectJSON
		}
		return nil
	case name == OldFile:
		var err error
		c.Old, c.OldJSON, err = readSubject(path)
		return err
	case name == OptionsFile:
		return c.readOptions(path)
	case slices.Contains(WantFiles, name):
		text, err := os.ReadFile(path)
		c.Want[name] = text
		return err
	}
	return fmt.Errorf("no file of a case has this name")
}

func (c *Case) readOptions(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, &c.Options); err != nil {
		return err
	}
	if _, ok := origins[c.Options.Origin]; !ok {
		return fmt.Errorf("no such origin: %q", c.Options.Origin)
	}
	if text := c.Options.Settings.VaultExpiryWarning; text != "" {
		c.vaultExpiryWarning, err = time.ParseDuration(text)
		if err != nil {
			return err
		}
	}
	return c.Options.Vault.check()
}

// Mutating tells whether the case is about the mutating round.
func (c *Case) Mutating() bool { return c.Options.Mutating == nil || *c.Options.Mutating }

// Settings are the server's.
func (c *Case) Settings() inject.Settings {
	s := c.Options.Settings
	return inject.Settings{
		TenantID: s.TenantID, Cloud: s.Cloud, RotationPollInterval: s.RotationPollInterval,
		ForbidAllow: s.ForbidAllow, Version: Version,
		VaultChecks: s.VaultChecks, VaultExpiryWarning: c.vaultExpiryWarning,
	}
}
