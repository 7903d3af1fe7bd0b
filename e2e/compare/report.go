package compare

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Figures are one server's in one round.
type Figures struct {
	Server, Size, What string
	// Bytes of a review.
	Bytes int
	// CPU of the server for Full, and what it allocated.
	CPU       time.Duration
	Allocated Memory
	// Full is at saturation, Half at half of its rate.
	Full, Half *Answered
}

// PerTenThousand is the processor time of 10,000 admissions.
func (f *Figures) PerTenThousand() time.Duration {
	return time.Duration(float64(f.CPU) / float64(max(1, f.Full.Count)) * 10_000)
}

// Allocations of an admission: objects, and their bytes.
func (f *Figures) Allocations() (objects, bytes float64) {
	n := float64(max(1, f.Full.Count))
	return f.Allocated.Objects / n, f.Allocated.Bytes / n
}

// Rate of answers a second at saturation.
func (f *Figures) Rate() float64 { return float64(f.Full.Count) / f.Full.Elapsed.Seconds() }

type row struct{ what, size, server string }

// Report collects the figures of a run.
type Report struct {
	Rounds   int
	Duration time.Duration
	// Path through the API server, if that was measured.
	Path *Path

	order   []row
	figures map[row][]Figures
	peaks   []string
}

// Add adds figures.
func (r *Report) Add(f Figures) {
	if r.figures == nil {
		r.figures = map[row][]Figures{}
	}
	k := row{f.What, f.Size, f.Server}
	if !slices.Contains(r.order, k) {
		r.order = append(r.order, k)
	}
	r.figures[k] = append(r.figures[k], f)
}

// Peak adds the most memory that a server ever had.
func (r *Report) Peak(server string, bytes int) {
	r.peaks = append(r.peaks, fmt.Sprintf("| %s | %d |", server, bytes>>20))
}

// median of a figure over the rounds, with its extremes.
func median[T cmp.Ordered](all []Figures, of func(*Figures) T) (middle, low, high T) {
	var values []T
	for i := range all {
		values = append(values, of(&all[i]))
	}
	slices.Sort(values)
	return values[len(values)/2], values[0], values[len(values)-1]
}

// ours is what the others are compared with.
const ours = "akv-injector"

// cpu is the median of the processor time of 10,000 admissions, in seconds.
func (r *Report) cpu(k row) (middle, low, high float64) {
	return median(r.figures[k], func(f *Figures) float64 { return f.PerTenThousand().Seconds() })
}

// ratios is a table of what 10,000 admissions cost each server against ours.
func (r *Report) ratios() string {
	var b strings.Builder
	b.WriteString("| AdmissionReview | server | CPU against akv-injector's | CPU seconds per 10,000, median (lowest–highest) | allocations | KB of them |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, k := range r.sorted() {
		own, _, _ := r.cpu(row{k.what, k.size, ours})
		middle, low, high := r.cpu(k)
		objects, _, _ := median(r.figures[k], func(f *Figures) float64 { n, _ := f.Allocations(); return n })
		bytes, _, _ := median(r.figures[k], func(f *Figures) float64 { _, n := f.Allocations(); return n })
		fmt.Fprintf(&b, "| %s, %s, %.1f KB | %s | %.2f | %.2f (%.2f–%.2f) | %.0f | %.1f |\n", k.what, k.size, float64(r.figures[k][0].Bytes)/1000, k.server, middle/own, middle, low, high, objects, bytes/1000)
	}
	return b.String()
}

func (r *Report) latencies() string {
	var b strings.Builder
	b.WriteString("| AdmissionReview | server | requests a second | p50 | p90 | p99 | p99.9 | at half of it: p50 | p90 | p99 | p99.9 |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, k := range r.sorted() {
		rate, _, _ := median(r.figures[k], func(f *Figures) float64 { return f.Rate() })
		fmt.Fprintf(&b, "| %s, %s | %s | %.0f |", k.what, k.size, k.server, rate)
		for _, of := range []func(*Figures) *Answered{func(f *Figures) *Answered { return f.Full }, func(f *Figures) *Answered { return f.Half }} {
			for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
				middle, _, _ := median(r.figures[k], func(f *Figures) time.Duration { return of(f).Quantile(q) })
				fmt.Fprintf(&b, " %.2f |", float64(middle)/float64(time.Millisecond))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (r *Report) sorted() []row {
	sizes := []string{"small", "typical", "large"}
	rows := slices.Clone(r.order)
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(slices.Index(sizes, a.size), slices.Index(sizes, b.size)))
	})
	return rows
}

// Text is the report, in Markdown.
func (r *Report) Text() string {
	path := ""
	if r.Path != nil {
		path = "\nThe whole way, through a real API server (kube-apiserver and etcd on the same processors):\n\n" + r.Path.Text()
	}
	return fmt.Sprintf("%s\nLatencies in milliseconds:\n\n%s\n| server | peak RSS, MiB |\n| --- | --- |\n%s\n%s\n%d rounds of %s, in turns; %d processors, %s, %s/%s.\n",
		r.ratios(), r.latencies(), strings.Join(r.peaks, "\n"), path, r.Rounds, r.Duration, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// Write puts the report between its marks in docs/performance.md, and the plot beside it.
func (r *Report) Write(folder string) error {
	if err := Insert(filepath.Join(folder, "performance.md"), "measured", r.Text()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "performance.svg"), r.Plot(), 0o644)
}

// Insert puts a text between the marks with a name of a file in Markdown.
func Insert(file, name, text string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(string(content), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return fmt.Errorf("%s has no place for the figures, between %q and %q", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644)
}

// Plot draws the processor time of a mutation as bars, each size by itself, as an SVG.
func (r *Report) Plot() []byte {
	const width, label, line, gap = 720, 300, 22, 34
	var b bytes.Buffer
	y := 0
	for _, size := range []string{"small", "typical", "large"} {
		var rows []row
		most := 0.0
		for _, k := range r.sorted() {
			if k.what == "mutate" && k.size == size {
				rows = append(rows, k)
				middle, _, _ := r.cpu(k)
				most = max(most, middle)
			}
		}
		if len(rows) == 0 || most == 0 {
			continue
		}
		y += gap
		fmt.Fprintf(&b, `<text x="0" y="%d" font-weight="bold">%s pod, CPU seconds per 10,000 admissions</text>`+"\n", y, size)
		for _, k := range rows {
			y += line
			middle, _, _ := r.cpu(k)
			colour := "#8a9aa8"
			if k.server == ours {
				colour = "#0f6cbd"
			}
			fmt.Fprintf(&b, `<text x="0" y="%d">%s</text><rect x="%d" y="%d" width="%.1f" height="14" fill="%s"/><text x="%.1f" y="%d">%.2f</text>`+"\n",
				y, k.server, label, y-12, middle/most*(width-label-60), colour, label+6+middle/most*(width-label-60), y, middle)
		}
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img" aria-label="CPU of admission webhooks">`+"\n"+`<rect width="100%%" height="100%%" fill="white"/>`+"\n%s</svg>\n", width, y+gap/2, b.String())
}
