// doclinks reports links in Markdown documents that lead nowhere: relative ones to a file
// or a heading that is not there, and others that are no address. It asks no network.
//
//	git ls-files | doclinks
//
// The files on the standard input, relative to the working directory, are all that may be
// linked to. Those that end in .md are read.
package main

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
)

func main() {
	problems, err := run(os.DirFS("."), os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doclinks:", err)
		os.Exit(2)
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// run checks the documents among the listed files.
func run(fsys fs.FS, list io.Reader) ([]string, error) {
	t := tree{fsys: fsys, files: map[string]bool{}, folders: map[string]bool{}, documents: map[string]*document{}}
	var names []string
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		names = append(names, lines.Text())
		t.add(lines.Text())
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	var problems []string
	for _, name := range names {
		if !isDocument(name) {
			continue
		}
		doc, err := t.document(name)
		if err != nil {
			return nil, err
		}
		for _, l := range doc.links {
			if problem := t.check(name, l.to); problem != "" {
				problems = append(problems, fmt.Sprintf("%s:%d: %s: %s", name, l.line, l.to, problem))
			}
		}
	}
	return problems, nil
}
