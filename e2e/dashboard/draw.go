package dashboard

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

const (
	column  = 50 // wide, of the 24
	row     = 28 // high, of a panel's 8
	margin  = 10
	top     = 34 // of a panel, for its title
	left    = 58 // of a panel, for the numbers of its axis
	entry   = 15 // high, of a legend
	letter  = 6.2
	legends = 8 // of a panel; the others are drawn without
)

// colors can be told apart by people who do not see all of them.
var colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b39b00"}

const style = `
    .ground { fill: #f3f5f8 }
    .panel { fill: #ffffff; stroke: #d5dae2 }
    .grid { stroke: #e3e7ee }
    .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round }
    text { font-family: -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #46505e; font-size: 11px }
    .title { fill: #14213a; font-size: 12.5px; font-weight: 600 }
    .row { fill: #14213a; font-size: 14px; font-weight: 600 }
    .number { fill: #009e73; font-size: 44px; font-weight: 600; text-anchor: middle }
    .y { text-anchor: end }
    .x { text-anchor: middle }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0f141b }
      .panel { fill: #18202b; stroke: #2c3746 }
      .grid { stroke: #2c3746 }
      text { fill: #b9c4d3 }
      .title, .row { fill: #f0f4fa }
    }
  `

// picture is a page that is drawn.
type picture struct {
	strings.Builder
	period Period
}

func (p *picture) put(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// Draw gives the page as SVG; lines are those of each panel's targets.
func (d *Dashboard) Draw(lines [][][]Series, period Period) []byte {
	p := &picture{period: period}
	bottom := 0
	for _, panel := range d.Panels {
		bottom = max(bottom, panel.GridPos.Y+panel.GridPos.H)
	}
	width, height := 24*column+2*margin, bottom*row+2*margin
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`, width, height, width, height)
	p.put("  <!-- Written by make dashboard. Do not edit. -->\n  <title>%s, %s of a test</title>", html.EscapeString(d.Title), period.End.Sub(period.Start).Round(time.Minute))
	p.put("  <style>%s</style>\n  <rect class=\"ground\" width=\"%d\" height=\"%d\"/>", style, width, height)
	for i := range d.Panels {
		p.panel(&d.Panels[i], slices.Concat(lines[i]...))
	}
	p.put("</svg>")
	return []byte(p.String())
}

// box is a place on the page.
type box struct{ x, y, w, h float64 }

func (p *picture) panel(panel *Panel, lines []Series) {
	at := panel.GridPos
	b := box{x: float64(margin + at.X*column), y: float64(margin + at.Y*row), w: float64(at.W * column), h: float64(at.H * row)}
	if panel.Type == "row" {
		p.put(`  <text class="row" x="%.0f" y="%.0f">%s</text>`, b.x+6, b.y+19, html.EscapeString(panel.Title))
		return
	}
	p.put(`  <rect class="panel" x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="4"/>`, b.x+3, b.y+3, b.w-6, b.h-6)
	p.put(`  <text class="title" x="%.0f" y="%.0f">%s</text>`, b.x+14, b.y+23, html.EscapeString(panel.Title))
	if panel.Type == "stat" {
		if len(lines) > 0 && len(lines[0].Values) > 0 {
			values := lines[0].Values
			p.put(`  <text class="number" x="%.0f" y="%.0f">%s</text>`, b.x+b.w/2, b.y+b.h/2+20, inUnit(float64(values[len(values)-1].Value), panel.FieldConfig.Defaults.Unit))
		}
		return
	}
	// The most important first: they have the first colors, and their legends are shown.
	slices.SortStableFunc(lines, func(a, b Series) int { return cmp.Compare(highest(b.Values), highest(a.Values)) })
	rows := p.legend(b, lines)
	chart := box{x: b.x + left, y: b.y + top, w: b.w - left - 18, h: b.h - top - 26 - float64(rows*entry)}
	most := p.axes(chart, lines, panel.FieldConfig.Defaults.Unit)
	for i, line := range slices.Backward(lines) { // the first is on top
		p.put(`  <path class="line" stroke="%s" d="%s"/>`, colors[i%len(colors)], p.path(chart, line.Values, most))
	}
}

// legend is at the bottom of a panel, in as many rows as it gives.
func (p *picture) legend(b box, lines []Series) (rows int) {
	x, at := 14.0, [][]int{nil}
	var places []float64
	for i, line := range lines[:min(len(lines), legends)] {
		wide := 26 + letter*float64(len(line.Legend))
		if x+wide > b.w-14 && len(at[len(at)-1]) > 0 {
			x, at = 14, append(at, nil)
		}
		at[len(at)-1] = append(at[len(at)-1], i)
		places = append(places, x)
		x += wide
	}
	for r, entries := range at {
		y := b.y + b.h - 14 - float64((len(at)-1-r)*entry)
		for _, i := range entries {
			p.put(`  <rect fill="%s" x="%.1f" y="%.1f" width="10" height="3"/>`, colors[i%len(colors)], b.x+places[i], y-5)
			p.put(`  <text x="%.1f" y="%.1f">%s</text>`, b.x+places[i]+14, y, html.EscapeString(lines[i].Legend))
		}
	}
	return len(at)
}

// axes draws the numbers beside and below a chart, and gives the highest of those beside it.
func (p *picture) axes(chart box, lines []Series, unit string) (most float64) {
	for _, line := range lines {
		most = max(most, highest(line.Values))
	}
	step := niceStep(most/4, unit)
	most = step * math.Max(1, math.Ceil(most/step))
	for v := 0.0; v <= most+step/2; v += step {
		y := chart.y + chart.h*(1-v/most)
		p.put(`  <path class="grid" d="M%.1f,%.1f H%.1f"/>`, chart.x, y, chart.x+chart.w)
		p.put(`  <text class="y" x="%.1f" y="%.1f">%s</text>`, chart.x-6, y+4, inUnit(v, unit))
	}
	took := p.period.End.Sub(p.period.Start)
	every := time.Minute
	for took/every > 5 {
		every += time.Minute
	}
	for after := time.Duration(0); after <= took; after += every {
		p.put(`  <text class="x" x="%.1f" y="%.1f">%d min</text>`, chart.x+chart.w*float64(after)/float64(took), chart.y+chart.h+16, int(after.Minutes()))
	}
	return most
}

// path is a line through values, with a gap where there are none.
func (p *picture) path(chart box, values []model.SamplePair, most float64) string {
	var out strings.Builder
	var before model.Time
	took := float64(p.period.End.Sub(p.period.Start))
	for _, v := range values {
		if math.IsNaN(float64(v.Value)) {
			continue
		}
		verb := "L"
		if out.Len() == 0 || v.Timestamp.Sub(before) > p.period.Step {
			verb = "M"
		}
		if verb == "M" && out.Len() > 0 {
			out.WriteString("h0") // one value by itself is a point
		}
		before = v.Timestamp
		fmt.Fprintf(&out, "%s%.1f,%.1f", verb, chart.x+chart.w*float64(v.Timestamp.Time().Sub(p.period.Start))/took, chart.y+chart.h*(1-float64(v.Value)/most))
	}
	if out.Len() > 0 {
		out.WriteString("h0")
	}
	return out.String()
}

func highest(values []model.SamplePair) (most float64) {
	for _, v := range values {
		if f := float64(v.Value); !math.IsNaN(f) && !math.IsInf(f, 0) {
			most = max(most, f)
		}
	}
	return most
}

// niceStep is the next larger of the steps that people count in.
func niceStep(least float64, unit string) float64 {
	steps, base := []float64{1, 2, 2.5, 5, 10}, 10.0
	if unit == "bytes" {
		steps, base = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}, 1024
	}
	if unit == "s" && least >= 86400 {
		return niceStep(least/86400, "") * 86400
	}
	if least <= 0 {
		return 1
	}
	scale := math.Pow(base, math.Floor(math.Log(least)/math.Log(base)))
	for _, s := range steps {
		if s*scale >= least*0.999 {
			return s * scale
		}
	}
	return base * scale
}

// inUnit says a value in one of Grafana's units.
func inUnit(v float64, unit string) string {
	short := func(v float64) string {
		if v >= 100 {
			return fmt.Sprintf("%.0f", v)
		}
		return fmt.Sprintf("%.3g", v)
	}
	switch {
	case unit == "bytes":
		return short(v/(1<<20)) + " MiB"
	case unit == "s" && v >= 2*86400:
		return short(v/86400) + " days"
	case unit == "s" && v != 0 && v < 1:
		return short(v*1000) + " ms"
	case unit == "s":
		return short(v) + " s"
	case unit == "reqps" || unit == "cps":
		return short(v) + "/s"
	}
	return short(v)
}
