package main

import (
	"cmp"
	"math"
	"slices"
)

// Sizes of the picture, in pixels.
const (
	boxWidth, boxHeight = 176, 58
	columnGap, rowGap   = 30, 46
	margin              = 24
	labels              = 124 // for the names of layers, on the left
	lane                = 36  // for arrows, beside the boxes
	clearance           = 9   // between an arrow and a box, or another arrow
)

// box is a room with its place in the picture.
type box struct {
	room
	row  int
	x, y float64 // of its upper left corner
}

func (b *box) middle() float64 { return b.x + boxWidth/2 }

// point of an arrow.
type point struct{ x, y float64 }

// route is the points of an arrow. From one point to the next it goes either straight down
// beside boxes, or in a curve between two rows.
type route struct {
	arrow
	points []point
}

// layout is the places of all that is drawn.
type layout struct {
	width, height float64
	boxes         []*box
	routes        []route

	rows  [][]*box
	taken []map[float64]bool // of each row, where arrows pass it
}

func lay(h *house, arrows []arrow) *layout {
	l := &layout{}
	columns := 0
	for _, row := range h.rows {
		columns = max(columns, len(row.rooms))
	}
	inner := float64(columns*boxWidth + (columns-1)*columnGap)
	l.width = margin + labels + lane + inner + lane + margin
	byName := map[string]*box{}
	for i, row := range h.rows {
		l.rows = append(l.rows, nil)
		l.taken = append(l.taken, map[float64]bool{})
		n := len(row.rooms)
		x := margin + labels + lane + (inner-float64(n*boxWidth+(n-1)*columnGap))/2
		for _, r := range row.rooms {
			if r.name != "" {
				b := &box{room: r, row: i, x: x, y: float64(margin + i*(boxHeight+rowGap))}
				l.rows[i], l.boxes = append(l.rows[i], b), append(l.boxes, b)
				byName[r.name] = b
			}
			x += boxWidth + columnGap
		}
	}
	l.height = float64(2*margin + len(h.rows)*(boxHeight+rowGap) - rowGap)
	l.lead(arrows, byName)
	return l
}

// lead finds the way of each arrow. The short ones choose first.
func (l *layout) lead(arrows []arrow, boxes map[string]*box) {
	starts, ends := map[arrow]float64{}, map[arrow]float64{}
	for _, b := range l.boxes {
		spread(b, arrows, starts, func(a arrow) (string, *box) { return a.from, boxes[a.to] })
		spread(b, arrows, ends, func(a arrow) (string, *box) { return a.to, boxes[a.from] })
	}
	length := func(a arrow) int { return boxes[a.to].row - boxes[a.from].row }
	arrows = slices.SortedStableFunc(slices.Values(arrows), func(a, b arrow) int { return cmp.Compare(length(a), length(b)) })
	for _, a := range arrows {
		from, to := boxes[a.from], boxes[a.to]
		points := []point{{starts[a], from.y + boxHeight}}
		if to.row-from.row > 1 {
			x := l.pass(from.row+1, to.row-1, starts[a], ends[a])
			points = append(points, point{x, l.rowTop(from.row + 1)}, point{x, l.rowTop(to.row-1) + boxHeight})
		}
		l.routes = append(l.routes, route{a, append(points, point{ends[a], to.y})})
	}
}

func (l *layout) rowTop(row int) float64 { return float64(margin + row*(boxHeight+rowGap)) }

// spread gives the arrows at one side of a box places beside each other, in the order of the
// boxes at their other ends, so that they do not cross there.
func spread(b *box, arrows []arrow, places map[arrow]float64, ends func(arrow) (here string, there *box)) {
	var mine []arrow
	for _, a := range arrows {
		if here, _ := ends(a); here == b.name {
			mine = append(mine, a)
		}
	}
	slices.SortStableFunc(mine, func(a, c arrow) int {
		_, left := ends(a)
		_, right := ends(c)
		return cmp.Compare(left.x, right.x)
	})
	step := math.Min(26, float64(boxWidth-30)/float64(max(1, len(mine))))
	for i, a := range mine {
		places[a] = b.middle() + (float64(i)-float64(len(mine)-1)/2)*step
	}
}

// pass finds where an arrow can go straight down past rows: beside boxes and other arrows,
// and as little out of its way as can be.
func (l *layout) pass(first, last int, start, end float64) float64 {
	best, detour := start, math.Inf(1)
	for x := math.Round(margin + labels); x < l.width-margin; x++ {
		if d := math.Abs(x-start) + math.Abs(x-end) + math.Abs(x-(start+end)/2)/100; d < detour && l.freeRows(first, last, x) {
			best, detour = x, d
		}
	}
	for row := first; row <= last; row++ {
		l.taken[row][best] = true
	}
	return best
}

func (l *layout) freeRows(first, last int, x float64) bool {
	for row := first; row <= last; row++ {
		if !l.free(row, x) {
			return false
		}
	}
	return true
}

func (l *layout) free(row int, x float64) bool {
	for _, b := range l.rows[row] {
		if x > b.x-clearance && x < b.x+boxWidth+clearance {
			return false
		}
	}
	for other := range l.taken[row] {
		if math.Abs(other-x) < clearance {
			return false
		}
	}
	return true
}
