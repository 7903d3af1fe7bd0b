package webhook

import "fmt"

// Kubernetes limits the bytes of an object, and decoding can take a hundred times as many: in
// 3 MiB fit a million empty volumes, of 250 bytes each. What an object has of them is counted
// before it is decoded. A pod of a hundred containers has some 10,000 elements.
const (
	// maxElements is the most maps, lists and elements of lists that an object may have.
	maxElements = 30_000
	// maxFields is the most fields and keys of maps.
	maxFields = 200_000
)

// complexity counts what decoding JSON makes values of.
type complexity struct {
	elements int
	fields   int
}

// complexityOf counts in one pass. Text that is no JSON gives some number, and an error later.
func complexityOf(raw []byte) complexity {
	var c complexity
	// lists has a bit for each bracket that is open: set for a list.
	var lists []bool
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = endOfString(raw, i+1)
		case '{', '[':
			c.elements++
			lists = append(lists, raw[i] == '[')
		case '}', ']':
			if len(lists) > 0 {
				lists = lists[:len(lists)-1]
			}
		case ',':
			if len(lists) > 0 && lists[len(lists)-1] {
				c.elements++
			} else {
				c.fields++
			}
		}
		if c.elements > maxElements || c.fields > maxFields {
			return c // what comes after it does not matter
		}
	}
	return c
}

// endOfString is the index of the quote that ends a string, which begins at i.
func endOfString(raw []byte, i int) int {
	for ; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return i
}

// problem says what of it is too much, or nothing.
func (c complexity) problem() string {
	switch {
	case c.elements > maxElements:
		return fmt.Sprintf("has more than %d maps, lists and elements of lists, which is the most that is checked", maxElements)
	case c.fields > maxFields:
		return fmt.Sprintf("has more than %d fields and keys, which is the most that is checked", maxFields)
	}
	return ""
}
