package narrow

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"reflect"
	"strconv"
	"time"
)

// space skips white space, of which the API server writes none.
func (d *decoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

func (d *decoder) peek(c byte) bool { return d.at < len(d.text) && d.text[d.at] == c }

// take reads a character, and the white space before it.
func (d *decoder) take(c byte) bool {
	d.space()
	if !d.peek(c) {
		return false
	}
	d.at++
	return true
}

// end reports whether nothing is left.
func (d *decoder) end() bool {
	d.space()
	return d.at == len(d.text)
}

func (d *decoder) literal(word string) bool {
	end := d.at + len(word)
	if end > len(d.text) || string(d.text[d.at:end]) != word {
		return false
	}
	d.at = end
	return true
}

// open and shut stand around what is inside a list or a map.
func (d *decoder) open() bool {
	d.depth++
	return d.element() && d.depth <= maxDepth
}

// element counts one, and reports whether there may be as many.
func (d *decoder) element() bool {
	d.elements++
	return d.elements <= d.limits.Elements
}

func (d *decoder) shut() bool {
	d.depth--
	return true
}

// members reads a map, with a function that reads the value of a key. A key that is written with escapes is not understood.
func (d *decoder) members(value func(key []byte) bool) bool {
	return d.membersOf(func(key []byte, plain bool) bool { return plain && value(key) })
}

func (d *decoder) membersOf(value func(key []byte, plain bool) bool) bool {
	if !d.take('{') || !d.open() {
		return false
	}
	if d.take('}') {
		return d.shut()
	}
	for {
		d.space()
		key, plain, ok := d.quoted()
		if !ok || !d.take(':') || !value(key, plain) {
			return false
		}
		if d.take('}') {
			return d.shut()
		}
		if !d.take(',') {
			return false
		}
		if d.fields++; d.fields > d.limits.Fields {
			return false
		}
	}
}

// each reads a list, with a function that reads an element.
func (d *decoder) each(element func() bool) bool {
	if !d.take('[') || !d.open() {
		return false
	}
	if d.take(']') {
		return d.shut()
	}
	for {
		if !element() {
			return false
		}
		if d.take(']') {
			return d.shut()
		}
		if !d.take(',') || !d.element() {
			return false
		}
	}
}

// quoted reads a string, and returns what is between its quotes. It is plain if that is the string.
func (d *decoder) quoted() (content []byte, plain, ok bool) {
	if !d.peek('"') {
		return nil, false, false
	}
	start := d.at + 1
	i := indexSpecial(d.text, start)
	plain = true
	for i < len(d.text) {
		switch d.text[i] {
		case '"':
			d.at = i + 1
			return d.text[start:i], plain, true
		case '\\':
			plain = false
			n := escape(d.text[i:])
			if n == 0 {
				return nil, false, false
			}
			i = indexSpecial(d.text, i+n)
		default: // a control character
			return nil, false, false
		}
	}
	return nil, false, false
}

// escape is the length of the escape sequence that a text begins with, or 0 if that is none.
func escape(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		const long = 6
		if len(text) < long {
			return 0
		}
		for _, c := range text[2:long] {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return 0
			}
		}
		return long
	}
	return 0
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// indexSpecial is the index of the first quote, backslash or control character at or after i. It looks at eight bytes at a time.
func indexSpecial(text []byte, i int) int {
	for ; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		quote, backslash := x^(ones*'"'), x^(ones*'\\')
		// The lowest bit that is set is right; bits above it may not be.
		found := (quote-ones)&^quote | (backslash-ones)&^backslash | (x-ones*0x20)&^x
		if found &= highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(text); i++ {
		if c := text[i]; c == '"' || c == '\\' || c < 0x20 {
			return i
		}
	}
	return len(text)
}

const (
	// chunk is how much memory strings share. Whoever keeps one beyond its request keeps as much.
	chunk = 2 << 10
	// shared is the longest string that shares it.
	shared = chunk / 8
)

// keep copies a string out of the text.
func (d *decoder) keep(content []byte) string {
	if len(content) > shared {
		return string(content)
	}
	if d.strings.Cap()-d.strings.Len() < len(content) {
		d.strings.Reset()
		d.strings.Grow(chunk)
	}
	start := d.strings.Len()
	_, _ = d.strings.Write(content)
	return d.strings.String()[start:]
}

// string reads a string.
func (d *decoder) string() (string, bool) {
	start := d.at
	content, plain, ok := d.quoted()
	switch {
	case !ok:
		return "", false
	case plain:
		return d.keep(content), true
	}
	var s string
	err := json.Unmarshal(d.text[start:d.at], &s)
	return s, err == nil
}

func (d *decoder) keepText(into reflect.Value) bool {
	if !into.IsValid() {
		_, _, ok := d.quoted()
		return ok
	}
	s, ok := d.string()
	into.SetString(s)
	return ok
}

func (d *decoder) boolean(into reflect.Value) bool {
	is := d.peek('t')
	if is && !d.literal("true") || !is && !d.literal("false") {
		return false
	}
	if into.IsValid() {
		into.SetBool(is)
	}
	return true
}

// number reads a number, and returns how it is written.
func (d *decoder) number() (written []byte, ok bool) {
	start := d.at
	d.skip('-')
	if !d.skip('0') && !d.digits() {
		return nil, false
	}
	if d.skip('.') && !d.digits() {
		return nil, false
	}
	if d.skip('e') || d.skip('E') {
		if !d.skip('-') {
			d.skip('+')
		}
		if !d.digits() {
			return nil, false
		}
	}
	return d.text[start:d.at], true
}

func (d *decoder) skip(c byte) bool {
	if d.peek(c) {
		d.at++
		return true
	}
	return false
}

// digits reads at least one.
func (d *decoder) digits() bool {
	start := d.at
	for d.at < len(d.text) && '0' <= d.text[d.at] && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at > start
}

// integer reads a whole number that has room in its type.
func (d *decoder) integer(k kind, into reflect.Value) bool {
	written, ok := d.number()
	if !ok {
		return false
	}
	size := 64
	if k == number32 {
		size = 32
	}
	n, err := strconv.ParseInt(string(written), 10, size)
	if err != nil {
		return false
	}
	if into.IsValid() {
		into.SetInt(n)
	}
	return true
}

// special reads a value of a type that reads itself, if it has the usual form.
func (d *decoder) special(k kind, into reflect.Value) bool {
	start := d.at
	var ok bool
	switch k {
	case quantity:
		ok = d.quantity()
	case numberOrText:
		ok = d.numberOrText()
	default:
		ok = d.instant()
	}
	if !ok || !into.IsValid() {
		return ok
	}
	self, ok := reflect.TypeAssert[json.Unmarshaler](into.Addr())
	return ok && self.UnmarshalJSON(d.text[start:d.at]) == nil
}

// suffixes of quantities, but for exponents.
const suffixes = " m k M G T P E Ki Mi Gi Ti Pi Ei "

// quantity reads one like 100m or "1.5Gi".
func (d *decoder) quantity() bool {
	content, plain, ok := d.quoted()
	if !ok || !plain || len(content) > 15 {
		return false
	}
	q := &decoder{text: content}
	if !q.digits() || q.skip('.') && !q.digits() {
		return false
	}
	switch suffix := content[q.at:]; len(suffix) {
	case 0:
		return true
	case 1, 2:
		return containsWord(suffixes, string(suffix))
	}
	return false
}

func containsWord(words, word string) bool {
	for i := 1; i+len(word) < len(words); i++ {
		if words[i-1] == ' ' && words[i:i+len(word)] == word && words[i+len(word)] == ' ' {
			return true
		}
	}
	return false
}

func (d *decoder) numberOrText() bool {
	if d.peek('"') {
		_, _, ok := d.quoted()
		return ok
	}
	return d.integer(number32, reflect.Value{})
}

func (d *decoder) instant() bool {
	content, plain, ok := d.quoted()
	if !ok || !plain {
		return false
	}
	_, err := time.Parse(time.RFC3339, string(content))
	return err == nil
}
