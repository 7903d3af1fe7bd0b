package main

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// document is what matters of a Markdown document.
type document struct {
	links   []link
	anchors map[string]bool
}

type link struct {
	to   string
	line int
}

// parse reads a document as GitHub does.
func parse(source []byte) *document {
	doc := &document{anchors: map[string]bool{}}
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	// The visitor gives no error, so Walk does not either.
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			doc.visit(n, source)
		}
		return ast.WalkContinue, nil
	})
	return doc
}

func (d *document) visit(n ast.Node, source []byte) {
	switch n := n.(type) {
	case *ast.Heading:
		d.addHeading(plain(n, source))
	case *ast.Link:
		d.addLink(string(n.Destination), n, source)
	case *ast.Image:
		d.addLink(string(n.Destination), n, source)
	case *ast.AutoLink:
		if n.AutoLinkType == ast.AutoLinkURL {
			d.addLink(string(n.URL(source)), n, source)
		}
	case *ast.RawHTML:
		d.addHTML(n.Segments, n, source)
	case *ast.HTMLBlock:
		d.addHTML(n.Lines(), n, source)
	}
}

// addHeading adds a heading's anchor. One that is there already gets a number.
func (d *document) addHeading(heading string) {
	base := slug(heading)
	anchor := base
	for n := 1; d.anchors[anchor]; n++ {
		anchor = base + "-" + strconv.Itoa(n)
	}
	d.anchors[anchor] = true
}

func (d *document) addLink(to string, n ast.Node, source []byte) {
	d.links = append(d.links, link{to: to, line: lineOf(n, source)})
}

var (
	htmlAnchor = regexp.MustCompile(`\s(?:id|name)="([^"]*)"`)
	htmlLink   = regexp.MustCompile(`\s(?:href|src)="([^"]*)"`)
)

func (d *document) addHTML(segments *text.Segments, n ast.Node, source []byte) {
	html := segments.Value(source)
	for _, m := range htmlAnchor.FindAllSubmatch(html, -1) {
		d.anchors[string(m[1])] = true
	}
	for _, m := range htmlLink.FindAllSubmatch(html, -1) {
		d.addLink(string(m[1]), n, source)
	}
}

// plain is a node's text without markup.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Value(source))
		case *ast.String:
			b.Write(c.Value)
		case *ast.AutoLink:
			b.Write(c.Label(source))
		default:
			b.WriteString(plain(c, source))
		}
	}
	return b.String()
}

// lineOf is the line where a node begins, or else what it is in.
func lineOf(n ast.Node, source []byte) int {
	for ; n != nil; n = n.Parent() {
		if pos := n.Pos(); pos >= 0 {
			return 1 + bytes.Count(source[:pos], []byte("\n"))
		}
	}
	return 1
}

// slug is the anchor that GitHub gives a heading, but for the number of a repeated one.
func slug(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || unicode.In(r, unicode.Letter, unicode.Mark, unicode.Number, unicode.Pc):
			b.WriteRune(r)
		}
	}
	return b.String()
}
