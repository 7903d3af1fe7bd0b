package rules

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/finding"
	"akv-injector/inject/plan"
	"akv-injector/inject/policy"
	"akv-injector/inject/request"
	"akv-injector/internal/testing/fixture"
)

const (
	someClient = fixture.Client
	someTenant = fixture.Tenant
)

// ruled is a pod whose findings a test checks.
type ruled struct{ *fixture.Pod }

func newRuled() *ruled { return &ruled{fixture.New()} }

// ruleCase is a change, and the findings of one rule after it: severity and field.
type ruleCase struct {
	change func(*ruled)
	want   []string
}

// look returns the pod as the rules see it.
func (r *ruled) look() *Pod {
	known := r.Known()
	asked := request.Parse(r.Target, known.Namespace, request.Settings{})
	allowed := policy.Parse(r.Target, asked, known.Namespace, request.Settings{}, Known())
	planned := &plan.Plan{}
	if asked.Asks {
		planned = plan.New(r.Target, asked, known, "")
	}
	return NewPod(r.Target, asked, allowed, known, planned)
}

// findings returns those of all rules, after the policy is applied.
func (r *ruled) findings() []finding.Finding {
	pod := r.look()
	findings := pod.Check()
	if pod.Facts.Vault != nil {
		findings = append(findings, pod.CheckVaults()...)
	}
	findings = slices.DeleteFunc(findings, pod.Policy.Silences)
	for i := range findings {
		findings[i] = pod.Policy.Apply(findings[i])
	}
	return finding.Sort(findings)
}

func testRule(t *testing.T, id string, cases map[string]ruleCase) {
	t.Helper()
	cases["nothing wrong"] = ruleCase{func(*ruled) {}, nil}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRuled()
			tc.change(r)
			var got []string
			for _, f := range r.findings() {
				if f.Rule == id {
					got = append(got, string(f.Severity)+" "+f.Place.String())
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

const classField = "spec.volumes[0].csi.volumeAttributes[secretProviderClass]"
