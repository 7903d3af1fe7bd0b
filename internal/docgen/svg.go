package main

import (
	"fmt"
	"html"
	"strings"
)

// style is for light and for dark: the picture has a ground of its own, so that it can be
// read on any page.
const style = `
    .ground { fill: #ffffff }
    .layer { fill: #f3f5f8 }
    .box { fill: #ffffff; stroke: #5b6b82; stroke-width: 1.2 }
    .arrow { fill: none; stroke: #7a879a; stroke-width: 1.4 }
    .head { fill: #7a879a }
    text { font-family: -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; text-anchor: middle; fill: #46505e; font-size: 11px }
    .name { fill: #14213a; font-size: 12.5px; font-weight: 600 }
    .title { fill: #46505e; font-size: 13px; font-weight: 600; text-anchor: start }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0f141b }
      .layer { fill: #18202b }
      .box { fill: #222d3b; stroke: #8b9bb4 }
      .arrow { stroke: #8794a8 }
      .head { fill: #8794a8 }
      text { fill: #b9c4d3 }
      .name { fill: #f0f4fa }
      .title { fill: #c6d0de }
    }
  `

// draw makes the picture of a house.
func draw(h *house, arrows []arrow) string {
	l := lay(h, arrows)
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n",
		l.width, l.height, l.width, l.height)
	b.WriteString("  <!-- Written by go generate from docs/architecture.txt and the imports in the code. Do not edit. -->\n")
	b.WriteString("  <title>The packages of akv-injector, and which imports which</title>\n")
	b.WriteString("  <style>" + style + "</style>\n")
	b.WriteString("  <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">" +
		"<path class=\"head\" d=\"M0,0.5 L8,4 L0,7.5 Z\"/></marker></defs>\n")
	fmt.Fprintf(&b, "  <rect class=\"ground\" width=\"%.0f\" height=\"%.0f\"/>\n", l.width, l.height)
	drawLayers(&b, h, l)
	for _, r := range l.routes {
		fmt.Fprintf(&b, "  <path class=\"arrow\" marker-end=\"url(#head)\" d=\"%s\"><title>%s imports %s</title></path>\n",
			r.path(), html.EscapeString(r.from), html.EscapeString(r.to))
	}
	for _, r := range l.boxes {
		drawBox(&b, r)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// drawLayers puts a ground behind the rows of each layer, with its name.
func drawLayers(b *strings.Builder, h *house, l *layout) {
	for first := 0; first < len(h.rows); {
		last := first
		for last+1 < len(h.rows) && h.rows[last+1].layer == h.rows[first].layer {
			last++
		}
		top, bottom := l.rowTop(first)-rowGap/2+6, l.rowTop(last)+boxHeight+rowGap/2-6
		fmt.Fprintf(b, "  <rect class=\"layer\" x=\"%d\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" rx=\"8\"/>\n",
			margin/2, top, l.width-margin, bottom-top)
		for i, line := range wrap(h.rows[first].layer, 17) {
			fmt.Fprintf(b, "  <text class=\"title\" x=\"%d\" y=\"%.0f\">%s</text>\n", margin, top+24+float64(i*17), html.EscapeString(line))
		}
		first = last + 1
	}
}

func drawBox(b *strings.Builder, r *box) {
	fmt.Fprintf(b, "  <rect class=\"box\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", r.x, r.y, boxWidth, boxHeight)
	lines := wrap(r.words, 28)
	y := r.y + 20
	if len(lines) == 1 {
		y += 6
	}
	fmt.Fprintf(b, "  <text class=\"name\" x=\"%.0f\" y=\"%.0f\">%s</text>\n", r.middle(), y, html.EscapeString(r.name))
	for i, line := range lines {
		fmt.Fprintf(b, "  <text x=\"%.0f\" y=\"%.0f\">%s</text>\n", r.middle(), y+16+float64(i*14), html.EscapeString(line))
	}
}

// path is the points in SVG's words: curves between rows, straight lines beside boxes.
func (r *route) path() string {
	var b strings.Builder
	at := r.points[0]
	fmt.Fprintf(&b, "M%.1f,%.1f", at.x, at.y)
	for i, p := range r.points[1:] {
		if i%2 == 1 {
			fmt.Fprintf(&b, " L%.1f,%.1f", p.x, p.y)
		} else {
			middle := (at.y + p.y) / 2
			fmt.Fprintf(&b, " C%.1f,%.1f %.1f,%.1f %.1f,%.1f", at.x, middle, p.x, middle, p.x, p.y)
		}
		at = p
	}
	return b.String()
}

// wrap breaks words into lines of at most so many characters, where there is a space.
func wrap(words string, most int) []string {
	var lines []string
	for word := range strings.FieldsSeq(words) {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(word) <= most {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
