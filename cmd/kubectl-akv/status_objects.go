package main

import (
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/status"
)

// objectsReport is the JSON form of status --by-object.
type objectsReport struct {
	Versions []status.VersionInUse `json:"versions"`
	Notes    []string              `json:"notes,omitempty"`
}

func (p *statusPrinter) printObjects(r *status.Report) error {
	versions := r.ByObject()
	if p.structured() {
		return p.printValue(objectsReport{versions, append(append([]string{}, r.Missing...), r.Notes...)})
	}
	table := &metav1.Table{}
	for _, name := range []string{"VAULT", "OBJECT", "VERSION", "AGE", "NEWEST", "PODS", "OUTDATED-CONTAINERS"} {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name, Type: "string"})
	}
	for i := range versions {
		v := &versions[i]
		age, newest := "<unknown>", "<unknown>"
		if v.Created != nil {
			age = duration.HumanDuration(max(0, p.now().Sub(*v.Created).Round(time.Second)))
		}
		if v.Newest != nil {
			newest = strconv.FormatBool(*v.Newest)
		}
		version := p.version(&status.Version{Version: v.Version}, "")
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{
			lint.Printable(v.Vault), lint.Printable(v.Object), lint.Printable(orNone(version)), age, newest,
			strconv.Itoa(v.Pods), strconv.Itoa(v.Outdated),
		}})
	}
	out := printers.GetNewTabWriter(p.out)
	if err := printers.NewTablePrinter(printers.PrintOptions{NoHeaders: p.noHeaders}).PrintObj(table, out); err != nil {
		return err
	}
	return out.Flush()
}
