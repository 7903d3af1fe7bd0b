// Package dashboard asks a Prometheus for what the chart's dashboard shows, and draws it.
package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"akv-injector/e2e/build"
)

// Dashboard is what is drawn of Grafana's model.
type Dashboard struct {
	Title  string
	Panels []Panel
}

// Panel is a chart, a number or a heading.
type Panel struct {
	Type, Title string
	// GridPos is its place on a page of 24 columns.
	GridPos     struct{ H, W, X, Y int }
	FieldConfig struct{ Defaults struct{ Unit string } }
	Targets     []Target
}

// Target is a query of a panel.
type Target struct{ Expr, LegendFormat string }

// Series are the values of one line of a panel, and what its legend says.
type Series struct {
	Legend string
	Values []model.SamplePair
}

// file is one of the chart's files.
func file(name string) (string, error) {
	root, err := build.Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "deploy", "chart", "akv-injector", "files", name), nil
}

// Alerts is the file of the chart's alerts.
func Alerts() (string, error) { return file("alerts.yaml") }

// Read reads the chart's dashboard.
func Read() (*Dashboard, error) {
	name, err := file("dashboard.json")
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	d := &Dashboard{}
	if err := json.Unmarshal(content, d); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// Period is the time that a page shows.
type Period struct {
	prometheusv1.Range
	// Scrape is how often Prometheus reads metrics.
	Scrape time.Duration
}

// Ask gives the lines of each target, as Grafana would ask for them.
func (p *Panel) Ask(ctx context.Context, api prometheusv1.API, period Period) ([][]Series, error) {
	lines := make([][]Series, len(p.Targets))
	for i, target := range p.Targets {
		expression := strings.ReplaceAll(target.Expr, "$__rate_interval", rateInterval(period).String())
		value, _, err := api.QueryRange(ctx, expression, period.Range)
		if err != nil {
			return nil, fmt.Errorf("panel %s: %s: %w", p.Title, expression, err)
		}
		matrix, ok := value.(model.Matrix)
		if !ok {
			return nil, fmt.Errorf("panel %s: %s gives a %s", p.Title, expression, value.Type())
		}
		for _, stream := range matrix {
			lines[i] = append(lines[i], Series{Legend: legend(target.LegendFormat, stream.Metric), Values: stream.Values})
		}
	}
	return lines, nil
}

// rateInterval is Grafana's: a rate needs some readings.
func rateInterval(period Period) time.Duration {
	return max(4*period.Scrape, period.Step+period.Scrape)
}

var labels = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// legend puts labels into a legend's format, as Grafana does.
func legend(format string, metric model.Metric) string {
	return labels.ReplaceAllStringFunc(format, func(name string) string {
		return string(metric[model.LabelName(labels.FindStringSubmatch(name)[1])])
	})
}
