package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoRows = "[Top]\na: the first\n\n[Bottom]\nb: the second\n.\nc: the third\nomit x/: not drawn\n"

func TestHouseIsHeldAgainstTheCode(t *testing.T) {
	h, err := readHouse(twoRows)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		imports map[string][]string
		want    string
	}{
		"as it is":          {map[string][]string{"a": {"b", "c"}, "b": nil, "c": nil, "x/y": {"a"}}, ""},
		"a new package":     {map[string][]string{"a": nil, "b": nil, "c": nil, "d": nil}, "there is no line about the package d"},
		"a package is gone": {map[string][]string{"a": nil, "b": nil}, "there is no package c"},
		"an arrow up":       {map[string][]string{"a": nil, "b": {"a"}, "c": nil}, "b imports a, which is not in a lower row"},
		"an arrow sideways": {map[string][]string{"a": nil, "b": {"c"}, "c": nil}, "b imports c, which is not in a lower row"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if _, err := h.arrows(c.imports); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestHouseWantsLayersAndWords(t *testing.T) {
	for _, text := range []string{"a: outside of any layer\n", "[Top]\nno words\n"} {
		if _, err := readHouse(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestArrowsThatFollowFromOthersAreLeftOut(t *testing.T) {
	got := reduce(map[string][]string{"a": {"b", "c", "d"}, "b": {"c"}, "c": nil, "d": nil})
	if diff := cmp.Diff([]arrow{{"a", "b"}, {"a", "d"}, {"b", "c"}}, got, cmp.AllowUnexported(arrow{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestImports(t *testing.T) {
	found, err := imports("../..")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"inject/annotation", "inject/finding", "internal/text"}, found["inject/provider"]); diff != "" {
		t.Errorf("inject/provider (-want +got):\n%s", diff)
	}
	for room := range found {
		if strings.HasPrefix(room, "e2e") || strings.HasPrefix(room, "tools") {
			t.Errorf("%s is in another module", room)
		}
	}
}

// The picture of the repository: nothing lies on anything else, and it is XML.
func TestPicture(t *testing.T) {
	text, err := os.ReadFile("../../docs/architecture.txt")
	if err != nil {
		t.Fatal(err)
	}
	h, err := readHouse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	known, err := imports("../..")
	if err != nil {
		t.Fatal(err)
	}
	arrows, err := h.arrows(known)
	if err != nil {
		t.Fatal(err)
	}
	l := lay(h, arrows)
	for _, b := range l.boxes {
		if n := len(wrap(b.words, 28)); n == 0 || n > 2 {
			t.Errorf("the words about %s take %d lines, and a box has 2", b.name, n)
		}
		if b.x < margin+labels || b.x+boxWidth > l.width-margin {
			t.Errorf("%s is outside of the picture", b.name)
		}
	}
	for _, r := range l.routes {
		for i := 1; i+1 < len(r.points); i += 2 {
			for _, b := range l.boxes {
				top, bottom := r.points[i], r.points[i+1]
				if top.x > b.x && top.x < b.x+boxWidth && top.y <= b.y && b.y < bottom.y {
					t.Errorf("the arrow from %s to %s crosses %s", r.from, r.to, b.name)
				}
			}
		}
	}
	picture := draw(h, arrows)
	if again := draw(h, arrows); again != picture {
		t.Error("a second drawing differs from the first")
	}
	decoder := xml.NewDecoder(strings.NewReader(picture))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
