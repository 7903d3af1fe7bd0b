package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/finding"
)

func newReader(text []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(text)) }

// Patched applies a decision's patch to a pod's JSON, as the API server does.
func Patched(pod []byte, d *inject.Decision) ([]byte, error) {
	if len(d.Patch) == 0 {
		return pod, nil
	}
	operations, err := json.Marshal(d.Patch)
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(operations)
	if err != nil {
		return nil, err
	}
	return patch.Apply(pod)
}

// wantedFinding is how a want file spells an finding.Finding.
type wantedFinding struct {
	Rule     string           `json:"rule,omitempty"`
	Severity finding.Severity `json:"severity"`
	Field    string           `json:"field"`
	Message  string           `json:"message"`
	Fix      string           `json:"fix,omitempty"`
}

// Golden is the text of the want files.
func (c *Case) Golden() (map[string][]byte, error) {
	want := map[string][]byte{}
	if c.Pod != nil {
		if err := c.goldenPod(want); err != nil {
			return nil, err
		}
	}
	if lines := c.Description(); len(lines) > 0 {
		want[WantDescriptionFile] = []byte(strings.Join(lines, "\n") + "\n")
	}
	if findings := c.Findings(); len(findings) > 0 {
		text, err := GoldenFindings(findings)
		if err != nil {
			return nil, err
		}
		want[WantFindingsFile] = text
	}
	return want, nil
}

// goldenPod adds what admission writes.
func (c *Case) goldenPod(want map[string][]byte) error {
	d := c.Decide()
	if len(d.Patch) > 0 {
		patched, err := Patched(c.PodJSON, &d)
		if err != nil {
			return err
		}
		if want[WantPodFile], err = yaml.JSONToYAML(patched); err != nil {
			return err
		}
	}
	var classes bytes.Buffer
	for i, class := range d.Classes {
		if i > 0 {
			classes.WriteString("---\n")
		}
		text, err := yaml.Marshal(class.Object(Namespace))
		if err != nil {
			return err
		}
		classes.Write(text)
	}
	if classes.Len() > 0 {
		want[WantClassFile] = classes.Bytes()
	}
	return nil
}

// GoldenFindings is the text of a want-findings.yaml.
func GoldenFindings(found []finding.Finding) ([]byte, error) {
	findings := make([]wantedFinding, 0, len(found))
	for _, f := range found {
		findings = append(findings, wantedFinding{f.Rule, f.Severity, f.Place.String(), f.Message, f.Fix})
	}
	return yaml.Marshal(findings)
}
