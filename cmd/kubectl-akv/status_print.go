package main

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"akv-injector/inject/provider"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/status"
)

// statusPrinter prints reports. It is one for all reports of a watch, so that headers come
// once.
type statusPrinter struct {
	out                   io.Writer
	format                string
	namespaces, noHeaders bool
	now                   func() time.Time

	table printers.ResourcePrinter
	// aligned remembers the widths of columns.
	aligned interface {
		io.Writer
		Flush() error
	}
	// documents counts those of YAML.
	documents int
}

// structured reports whether it is for a program.
func (p *statusPrinter) structured() bool { return p.format == "json" || p.format == "yaml" }

// statusReport is the JSON form of a report.
type statusReport struct {
	Items  []status.Item `json:"items"`
	Driver *statusDriver `json:"driver,omitempty"`
	Notes  []string      `json:"notes,omitempty"`
}

type statusDriver struct {
	Version              string `json:"version,omitempty"`
	Rotation             bool   `json:"rotation"`
	RotationPollInterval string `json:"rotationPollInterval"`
}

func driverOf(d *provider.Driver) *statusDriver {
	if d == nil {
		return nil
	}
	return &statusDriver{d.Version, d.Rotation, d.PollInterval.String()}
}

func (p *statusPrinter) print(r *status.Report) error {
	if p.structured() {
		return p.printValue(statusReport{r.Items, driverOf(r.Driver), slices.Concat(r.Missing, r.Notes)})
	}
	return p.printTable(r.Items)
}

// printItems prints some of a report, each by itself where that is for a program.
func (p *statusPrinter) printItems(items []status.Item) error {
	if !p.structured() {
		return p.printTable(items)
	}
	for i := range items {
		if err := p.printValue(items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *statusPrinter) printValue(v any) error {
	if p.format == "json" {
		return printJSON(p.out, v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if text, err = yaml.JSONToYAML(text); err != nil {
		return err
	}
	if p.documents++; p.documents > 1 {
		text = append([]byte("---\n"), text...)
	}
	_, err = p.out.Write(text)
	return err
}

// statusColumn is a column of the table. Wide ones are left out without -o wide.
type statusColumn struct {
	name string
	wide bool
	cell func(*statusPrinter, *status.Item) string
}

var statusColumns = []statusColumn{
	{"POD", false, func(_ *statusPrinter, i *status.Item) string { return i.Pod }},
	{"VAULT", false, func(_ *statusPrinter, i *status.Item) string { return orNone(i.Vault) }},
	{"OBJECT", false, func(_ *statusPrinter, i *status.Item) string { return orNone(i.Object) }},
	{"MOUNTED", false, func(p *statusPrinter, i *status.Item) string { return p.version(i.Mounted, "<none>") }},
	{"AGE", false, func(p *statusPrinter, i *status.Item) string { return p.age(i.Mounted) }},
	{"NEWEST", false, func(p *statusPrinter, i *status.Item) string { return p.version(i.Newest, newestMissing(i)) }},
	{"NEWEST-AGE", false, func(p *statusPrinter, i *status.Item) string { return p.age(i.Newest) }},
	{"STATUS", false, func(_ *statusPrinter, i *status.Item) string { return string(i.Status) }},
	{"CLASS", true, func(_ *statusPrinter, i *status.Item) string { return orNone(i.Class) }},
	{"NODE", true, func(_ *statusPrinter, i *status.Item) string { return orNone(i.Node) }},
	{"VOLUME", true, func(_ *statusPrinter, i *status.Item) string { return i.Volume }},
	{"FILE", true, func(_ *statusPrinter, i *status.Item) string { return orNone(i.File) }},
	{"CREATED", true, func(_ *statusPrinter, i *status.Item) string { return created(i.Mounted) }},
	{"NEWEST-CREATED", true, func(_ *statusPrinter, i *status.Item) string { return created(i.Newest) }},
	{"REASON", false, func(_ *statusPrinter, i *status.Item) string { return reasons(i) }},
}

func (p *statusPrinter) printTable(items []status.Item) error {
	if p.table == nil {
		p.aligned = printers.GetNewTabWriter(p.out)
		p.table = printers.NewTablePrinter(printers.PrintOptions{NoHeaders: p.noHeaders, Wide: p.format == "wide"})
	}
	columns := statusColumns
	if p.namespaces {
		columns = append([]statusColumn{{"NAMESPACE", false, func(_ *statusPrinter, i *status.Item) string { return i.Namespace }}}, columns...)
	}
	table := &metav1.Table{}
	for _, c := range columns {
		definition := metav1.TableColumnDefinition{Name: c.name, Type: "string"}
		if c.wide {
			definition.Priority = 1
		}
		table.ColumnDefinitions = append(table.ColumnDefinitions, definition)
	}
	for i := range items {
		var row metav1.TableRow
		for _, c := range columns {
			row.Cells = append(row.Cells, lint.Printable(c.cell(p, &items[i])))
		}
		table.Rows = append(table.Rows, row)
	}
	if err := p.table.PrintObj(table, p.aligned); err != nil {
		return err
	}
	return p.aligned.Flush()
}

// shortVersion is the part of a version that distinguishes it from others.
const shortVersion = 8

func (p *statusPrinter) version(v *status.Version, missing string) string {
	switch {
	case v == nil:
		return missing
	case p.format != "wide" && len(v.Version) > shortVersion:
		return v.Version[:shortVersion]
	}
	return v.Version
}

// newestMissing says why there is no newest version: there is none, or it is not known.
func newestMissing(i *status.Item) string {
	for _, r := range i.Reasons {
		if r.Code == status.ObjectNotFound {
			return "<none>"
		}
	}
	return "<unknown>"
}

// age is in kubectl's words.
func (p *statusPrinter) age(v *status.Version) string {
	if v == nil || v.Created == nil {
		return "<unknown>"
	}
	return duration.HumanDuration(max(0, p.now().Sub(*v.Created)))
}

func created(v *status.Version) string {
	if v == nil || v.Created == nil {
		return "<unknown>"
	}
	return v.Created.UTC().Format(time.RFC3339)
}

func reasons(i *status.Item) string {
	messages := make([]string, 0, len(i.Reasons))
	for _, r := range i.Reasons {
		messages = append(messages, r.Message)
	}
	return orNone(strings.Join(messages, "; "))
}

func orNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}
