package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/internal/cli/manifest"
)

// The parts of SARIF 2.1.0 (OASIS, errata 01) that are written here.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		ColumnKind  string            `json:"columnKind"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string             `json:"id"`
		Name                 string             `json:"name"`
		ShortDescription     sarifText          `json:"shortDescription"`
		FullDescription      sarifText          `json:"fullDescription"`
		Help                 sarifText          `json:"help"`
		DefaultConfiguration sarifConfiguration `json:"defaultConfiguration"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Level               string            `json:"level"`
		Message             sarifText         `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name               string `json:"name"`
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)

// sarifSchema is the name that the schema gives itself. It is an identifier: nothing is
// fetched.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// WriteSARIF writes the findings for code scanning, with the rules that they are of.
func (r *Report) WriteSARIF(w io.Writer, version string) error {
	rules := sarifRules()
	index := map[string]int{}
	for i, rule := range rules {
		index[rule.ID] = i
	}
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "kubectl-akv", Version: version, Rules: rules}},
		Invocations: []sarifInvocation{{ExecutionSuccessful: !r.Unusable(), Notifications: notifications(r.Problems)}},
		Results:     []sarifResult{},
		ColumnKind:  "unicodeCodePoints",
	}
	seen := map[string]int{}
	for _, f := range r.Findings {
		location := sarifAt(f.File, f.Line)
		location.Logical = []sarifLogical{{
			Name:               f.Field,
			FullyQualifiedName: strings.Join([]string{f.Namespace, f.Kind, f.Name, f.Field}, "/"),
		}}
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: string(f.Severity),
			Message:             sarifText{f.text()},
			Locations:           []sarifLocation{location},
			PartialFingerprints: map[string]string{"akvFinding/v1": f.fingerprint(seen)},
		})
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

func sarifRules() []sarifRule {
	rules := []sarifRule{{
		ID: Annotations, Name: Annotations,
		ShortDescription:     sarifText{"An annotation or label of akv-injector that cannot be understood."},
		FullDescription:      sarifText{"An annotation or label of akv-injector that cannot be understood, or stands where it means nothing."},
		Help:                 sarifText{"The pod is refused, or is stored without what it asked for. The annotations are described in docs/annotations.md."},
		DefaultConfiguration: sarifConfiguration{string(finding.Error)},
	}}
	for _, r := range inject.Rules() {
		rules = append(rules, sarifRule{
			ID: r.ID, Name: r.Name,
			ShortDescription:     sarifText{r.Summary},
			FullDescription:      sarifText{r.Summary},
			Help:                 sarifText{fmt.Sprintf("%s %s For more, run: kubectl akv explain %s", r.Prevents, r.Remedy, r.ID)},
			DefaultConfiguration: sarifConfiguration{string(r.Severities[0])},
		})
	}
	return rules
}

// notifications are what could not be read, which is no result of a rule.
func notifications(problems []manifest.Problem) []sarifNotification {
	var list []sarifNotification
	for _, p := range problems {
		level := "error"
		if p.Note {
			level = "note"
		}
		list = append(list, sarifNotification{level, sarifText{p.Message}, []sarifLocation{sarifAt(p.File, p.Line)}})
	}
	return list
}

func sarifAt(file string, line int) sarifLocation {
	l := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{fileURI(file)}}}
	if line > 0 {
		l.Physical.Region = &sarifRegion{line}
	}
	return l
}

// fileURI keeps a relative path relative: code scanning looks for it in the repository.
func fileURI(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
		u.Path = "/" + strings.TrimPrefix(u.Path, "/")
	}
	return u.String()
}

// text is the message with its fix.
func (f Finding) text() string {
	text := fmt.Sprintf("%s/%s: %s: %s", f.Kind, f.Name, f.Field, f.Message)
	if f.Fix != "" {
		text += " Fix: " + f.Fix
	}
	return Printable(text)
}

// fingerprint is the same where a finding has moved to another line, or to another place
// in its list, so that code scanning does not take it for a new one.
func (f Finding) fingerprint(seen map[string]int) string {
	key := strings.Join([]string{
		f.File, f.Kind, f.Namespace, f.Name, f.Rule,
		f.place.Shape(), f.Message,
	}, "\x00")
	sum := sha256.Sum256([]byte(key))
	seen[key]++
	return fmt.Sprintf("%s:%d", hex.EncodeToString(sum[:16]), seen[key])
}
