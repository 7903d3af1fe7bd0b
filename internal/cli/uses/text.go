package uses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"akv-injector/inject"
	"akv-injector/internal/text"
)

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report as tables, wide ones with the identities.
func (r *Report) WriteText(w io.Writer, wide bool) error {
	var b bytes.Buffer
	head := "OBJECT\tNAMESPACE\tWORKLOAD\tCONTAINER\tREADS\tTAKES A CHANGE"
	if wide {
		head += "\tIDENTITY"
	}
	table(&b, head, len(r.Rows), func(i int) []string {
		row := &r.Rows[i]
		takes := string(row.Takes)
		if row.Why != "" {
			takes += ": " + row.Why
		}
		cells := []string{objectName(row.Vault, row.Type, row.Object), row.Namespace, row.Workload, dash(row.Container), dash(row.From), takes}
		if wide {
			cells = append(cells, identity(&row.Identity))
		}
		return cells
	})
	if len(r.Unread) > 0 {
		b.WriteString("\n")
		table(&b, "MOUNTED BY NOBODY\tNAMESPACE\tCLASS", len(r.Unread), func(i int) []string {
			u := &r.Unread[i]
			return []string{objectName(u.Vault, u.Type, u.Object), u.Namespace, u.Class}
		})
	}
	if len(r.Roles) > 0 {
		b.WriteString("\n")
		table(&b, "LEAST ROLE\tVAULT\tOBJECTS\tIDENTITY", len(r.Roles), func(i int) []string {
			role := &r.Roles[i]
			of := role.ClientID
			if of == "" {
				of = "of ServiceAccount " + role.Account
			}
			return []string{role.Role, role.Vault, strings.Join(role.Objects, ", "), of}
		})
	}
	_, err := w.Write(b.Bytes())
	return err
}

func objectName(vault, kind, object string) string { return vault + "/" + kind + "/" + object }

func identity(i *inject.Identity) string {
	if i.ClientID == "" {
		return fmt.Sprintf("ServiceAccount %s, %s", i.Account, i.Kind)
	}
	return fmt.Sprintf("%s (%s, ServiceAccount %s)", i.ClientID, i.Kind, i.Account)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// table writes columns. What is in them is outside text.
func table(b *bytes.Buffer, head string, rows int, row func(i int) []string) {
	if rows == 0 {
		return
	}
	const gap = 2
	t := tabwriter.NewWriter(b, 0, 0, gap, ' ', 0)
	fmt.Fprintln(t, head)
	for i := range rows {
		cells := row(i)
		for j := range cells {
			cells[j] = text.Printable(cells[j])
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	_ = t.Flush() // into memory
}

// Summary is the report in a line.
func (r *Report) Summary() string {
	var objects, workloads []string
	never := 0
	for i := range r.Rows {
		row := &r.Rows[i]
		if o := objectName(row.Vault, row.Type, row.Object); !slices.Contains(objects, o) {
			objects = append(objects, o)
		}
		if w := row.Namespace + "/" + row.Workload; !slices.Contains(workloads, w) {
			workloads = append(workloads, w)
		}
		if row.Takes == inject.TakesNever {
			never++
		}
	}
	where := "in these files"
	if r.Complete {
		where = "in the cluster"
	}
	if len(r.Rows) == 0 {
		return fmt.Sprintf("Nobody reads it %s.", where)
	}
	line := fmt.Sprintf("%s read by %s %s", count(len(objects), "object"), count(len(workloads), "workload"), where)
	if never > 0 {
		line += fmt.Sprintf("; %s never has a change", count(never, "reader"))
	}
	return line + "."
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
