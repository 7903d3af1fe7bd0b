package corpus

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
)

// Names of the files of a case.
const (
	PodFile          = "pod.yaml"
	FactsFile        = "facts.yaml"
	OptionsFile      = "options.yaml"
	WantPodFile      = "want-pod.yaml"
	WantClassFile    = "want-class.yaml"
	WantFindingsFile = "want-findings.yaml"
)

// WantFiles are those that a test writes with -update.
var WantFiles = []string{WantPodFile, WantClassFile, WantFindingsFile}

// Namespace in which the pods of all cases are.
const Namespace = "apps"

// Version of the program that the status annotations of the cases name.
const Version = "v0.0.0-test"

// Case is one folder of the corpus.
type Case struct {
	// Name of the folder: the behaviour.
	Name string
	Dir  string
	// Pod as it reaches admission, and the same as JSON with the fields that Pod has no
	// place for.
	Pod     *corev1.Pod
	PodJSON []byte
	Options Options
	// Want has the text of the want files, by name.
	Want map[string][]byte

	objects objects
}

// Options are what the pod and the cluster's objects do not say.
type Options struct {
	Settings struct {
		TenantID             string `json:"tenantID"`
		Cloud                string `json:"cloud"`
		RotationPollInterval string `json:"rotationPollInterval"`
		ForbidAllow          bool   `json:"forbidAllow"`
	} `json:"settings"`
	// Origin is user (the default), controller or builtin-controller.
	Origin string `json:"origin"`
	// Mutating is true unless it is set: false stands for the validating round alone.
	Mutating *bool `json:"mutating"`
}

var origins = map[string]inject.Origin{
	"":                   inject.FromUser,
	"user":               inject.FromUser,
	"controller":         inject.FromController,
	"builtin-controller": inject.FromBuiltinController,
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
	c := &Case{Name: filepath.Base(dir), Dir: dir, Want: map[string][]byte{}, objects: shared}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := c.read(e.Name()); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
		}
	}
	if c.Pod == nil {
		return nil, fmt.Errorf("%s: a case needs a %s", dir, PodFile)
	}
	return c, nil
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
	case name == PodFile:
		return c.readPod(path)
	case name == OptionsFile:
		return c.readOptions(path)
	case slices.Contains(WantFiles, name):
		text, err := os.ReadFile(path)
		c.Want[name] = text
		return err
	}
	return fmt.Errorf("no file of a case has this name")
}

func (c *Case) readPod(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if c.PodJSON, err = yaml.YAMLToJSONStrict(text); err != nil {
		return err
	}
	// Not strictly: a newer API server knows fields that our types do not.
	if err := json.Unmarshal(c.PodJSON, &c.Pod); err != nil {
		return err
	}
	if c.Pod.Kind != "Pod" || c.Pod.Namespace != Namespace {
		return fmt.Errorf("a %q in namespace %q, where a Pod in %q is wanted", c.Pod.Kind, c.Pod.Namespace, Namespace)
	}
	return nil
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
	return nil
}

// Mutating tells whether the case is about the mutating round.
func (c *Case) Mutating() bool { return c.Options.Mutating == nil || *c.Options.Mutating }

// Target is the pod as the engine takes it.
func (c *Case) Target() *inject.Target { return c.TargetOf(c.Pod) }

// TargetOf is another pod, such as the patched one, under the case's circumstances.
func (c *Case) TargetOf(pod *corev1.Pod) *inject.Target {
	return &inject.Target{
		Meta:     &pod.ObjectMeta,
		Spec:     &pod.Spec,
		Origin:   origins[c.Options.Origin],
		Mutating: c.Mutating(),
	}
}

// Settings are the server's.
func (c *Case) Settings() inject.Settings {
	s := c.Options.Settings
	return inject.Settings{
		TenantID: s.TenantID, Cloud: s.Cloud, RotationPollInterval: s.RotationPollInterval,
		ForbidAllow: s.ForbidAllow, Version: Version,
	}
}

// Request is what the pod asks for.
func (c *Case) Request() *inject.Request {
	return inject.Parse(c.Target(), c.NamespaceObject(), c.Settings())
}

// Facts are those that the case's pod needs, and no others: what a decision uses
// without having said so is missing here too.
func (c *Case) Facts() inject.Facts { return c.FactsFor(c.Request().Needs()) }
