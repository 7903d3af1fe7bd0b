package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/internal/cli/lint"
)

// The parts of a PolicyReport (wgpolicyk8s.io/v1alpha2) that are written.
type (
	policyReport struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   metadata       `json:"metadata"`
		Summary    summary        `json:"summary"`
		Results    []policyResult `json:"results"`
	}
	metadata struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	}
	summary struct {
		Pass  int `json:"pass"`
		Fail  int `json:"fail"`
		Warn  int `json:"warn"`
		Error int `json:"error"`
		Skip  int `json:"skip"`
	}
	policyResult struct {
		Source     string            `json:"source"`
		Policy     string            `json:"policy"`
		Rule       string            `json:"rule,omitempty"`
		Category   string            `json:"category"`
		Severity   string            `json:"severity"`
		Result     string            `json:"result"`
		Message    string            `json:"message"`
		Resources  []resource        `json:"resources"`
		Properties map[string]string `json:"properties,omitempty"`
		Timestamp  timestamp         `json:"timestamp"`
	}
	resource struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Namespace  string `json:"namespace,omitempty"`
		Name       string `json:"name"`
		UID        string `json:"uid,omitempty"`
	}
	timestamp struct {
		Seconds int64 `json:"seconds"`
		Nanos   int32 `json:"nanos"`
	}
)

// source is what the results say of who has found them.
const source = "akv-injector"

// WritePolicyReports writes a PolicyReport for each namespace with findings, as YAML documents that kubectl applies.
func WritePolicyReports(w io.Writer, report *lint.Report, now time.Time) error {
	byNamespace := map[string][]lint.Finding{}
	for _, f := range report.Findings {
		byNamespace[f.Namespace] = append(byNamespace[f.Namespace], f)
	}
	var out bytes.Buffer
	for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
		text, err := json.Marshal(policyReportOf(namespace, byNamespace[namespace], now))
		if err != nil {
			return err
		}
		if text, err = yaml.JSONToYAML(text); err != nil {
			return err
		}
		if out.Len() > 0 {
			out.WriteString("---\n")
		}
		out.Write(text)
	}
	_, err := out.WriteTo(w)
	return err
}

func policyReportOf(namespace string, findings []lint.Finding, now time.Time) policyReport {
	r := policyReport{
		APIVersion: "wgpolicyk8s.io/v1alpha2", Kind: "PolicyReport",
		Metadata: metadata{source, namespace, map[string]string{"app.kubernetes.io/managed-by": "kubectl-akv"}},
	}
	for _, f := range findings {
		result := policyResult{
			Source: source, Policy: f.Rule, Category: "Secret rotation", Severity: "medium", Result: "warn", Message: lint.Printable(f.Message),
			Properties: map[string]string{"field": lint.Printable(f.Field)}, Timestamp: timestamp{Seconds: now.Unix()},
		}
		if rule := inject.RuleByID(f.Rule); rule != nil {
			result.Rule = rule.Name
		}
		if f.Fix != "" {
			result.Properties["fix"] = lint.Printable(f.Fix)
		}
		r.Summary.Warn++
		if f.Severity == finding.Error {
			result.Severity, result.Result = "high", "fail"
			r.Summary.Warn--
			r.Summary.Fail++
		}
		if o, _ := f.Where(); o != nil {
			result.Resources = []resource{{o.APIVersion, o.Kind, f.Namespace, o.Name, o.UID()}}
		}
		r.Results = append(r.Results, result)
	}
	return r
}

// WriteText writes the findings by namespace and object.
func WriteText(w io.Writer, report *lint.Report) error {
	findings := slices.Clone(report.Findings)
	slices.SortStableFunc(findings, func(a, b lint.Finding) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Severity, b.Severity))
	})
	var out bytes.Buffer
	last := ""
	for _, f := range findings {
		if object := fmt.Sprintf("%s %s/%s", f.Namespace, f.Kind, f.Name); object != last {
			fmt.Fprintln(&out, lint.Printable(object))
			last = object
		}
		fmt.Fprintf(&out, "  %s %s: %s: %s\n", f.Severity, lint.RuleTitle(f.Rule), lint.Printable(f.Field), lint.Printable(f.Message))
		if f.Fix != "" {
			fmt.Fprintf(&out, "      Fix: %s\n", lint.Printable(f.Fix))
		}
		if len(f.Workloads) > 0 {
			fmt.Fprintf(&out, "      Mounted by: %s\n", lint.Printable(lint.Few(f.Workloads)))
		}
	}
	_, err := out.WriteTo(w)
	return err
}
