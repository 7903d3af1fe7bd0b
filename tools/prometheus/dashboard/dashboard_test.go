// Package dashboard has Grafana's own types and Prometheus' own parser look at the dashboard of the chart.
package dashboard

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/prometheus/prometheus/promql/parser"
)

func TestDashboard(t *testing.T) {
	content, err := os.ReadFile("../../../deploy/chart/akv-injector/files/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	plugins.RegisterDefaultPlugins()
	//nolint:staticcheck // The newer form is one that no sidecar reads yet.
	var d, strict dashboard.Dashboard
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	// What Grafana does not know is an error there, and an empty list of errors is not nil.
	if err := strict.UnmarshalJSONStrict(content); err != nil && err.Error() != "" {
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil && err.Error() != "" {
		t.Error(err)
	}
	if d.Uid == nil || d.Title == nil || len(d.Panels) == 0 {
		t.Fatal("it has no uid, no title or no panels")
	}
	seen := map[uint32]bool{}
	expressions := 0
	for _, each := range d.Panels {
		panel := each.Panel
		if panel == nil { // a row
			if each.RowPanel == nil || each.RowPanel.Title == nil {
				t.Error("a row without a title")
			}
			continue
		}
		title := "?"
		if panel.Title != nil {
			title = *panel.Title
		}
		if panel.Id == nil || seen[*panel.Id] || panel.Description == nil || panel.GridPos == nil || len(panel.Targets) == 0 {
			t.Errorf("panel %s: no id of its own, no description, no place or no targets", title)
			continue
		}
		seen[*panel.Id] = true
		if p := panel.GridPos; p.X+p.W > 24 {
			t.Errorf("panel %s is wider than the page", title)
		}
		for _, target := range panel.Targets {
			query, ok := target.(prometheus.Dataquery)
			if !ok {
				pointer, is := target.(*prometheus.Dataquery)
				if !is {
					t.Fatalf("panel %s: a target is a %T", title, target)
				}
				query = *pointer
			}
			expressions++
			// Grafana replaces it before it asks.
			expression := strings.ReplaceAll(query.Expr, "$__rate_interval", "5m")
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(expression); err != nil {
				t.Errorf("panel %s: %s: %v", title, expression, err)
			}
		}
	}
	if expressions < 10 {
		t.Errorf("%d expressions, want all of them", expressions)
	}
}
