package main

import (
	"fmt"
	"strings"

	"akv-injector/inject/annotation"
)

// annotationTable is the table of the vocabulary, in full or with a few words each.
func annotationTable(brief bool) string {
	var b strings.Builder
	b.WriteString("| annotation | on | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, a := range annotation.Vocabulary() {
		key, meaning, vaultMeaning := "`"+a.Short()+"`", a.Meaning, a.VaultMeaning
		if brief {
			meaning, vaultMeaning = a.Brief, a.VaultBrief
		}
		if a.PerVault && vaultMeaning == "" {
			key += ", `" + a.Short() + ".<vault>`"
		}
		tableRow(&b, key, places(&a), a.Default, meaning)
		if vaultMeaning != "" {
			tableRow(&b, "`"+a.Short()+".<vault>`", places(&a), "", vaultMeaning)
		}
	}
	return b.String()
}

func tableRow(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		if c == "" {
			b.WriteString("| ")
			continue
		}
		fmt.Fprintf(b, "| %s ", c)
	}
	b.WriteString("|\n")
}

func places(a *annotation.Annotation) string {
	var on []string
	if a.Pod {
		on = append(on, "pod")
	}
	if a.Namespace {
		on = append(on, "namespace")
	}
	on = append(on, a.Elsewhere...)
	if a.Flag {
		on = append(on, "flag")
	}
	return strings.Join(on, ", ")
}
