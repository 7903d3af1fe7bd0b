package convert

import (
	"bytes"
	"fmt"
)

// Files are the names of the files that the documents stand in, in order.
func (r *Result) Files() []string {
	var names []string
	for _, d := range r.Documents {
		if len(names) == 0 || names[len(names)-1] != d.File() {
			names = append(names, d.File())
		}
	}
	return names
}

// Changed reports whether a document of the file is another one than before.
func (r *Result) Changed(file string) bool {
	for _, d := range r.Documents {
		if d.File() == file && d.Changed {
			return true
		}
	}
	return false
}

// Rewrite makes a file's new text from its present one, whatever stands between the
// documents left as it is. It is nil if nothing is left in it.
func (r *Result) Rewrite(file string, text []byte) ([]byte, error) {
	after := bytes.Clone(text)
	done, left := 0, false // done is how much of after needs no more looking at
	line := 1
	for _, d := range r.Documents {
		if d.File() != file {
			continue
		}
		for ; line < d.First(); line++ {
			end := bytes.IndexByte(text, '\n')
			if end < 0 {
				break
			}
			// What is behind the documents so far is the same in text and in after.
			text = text[end+1:]
		}
		begin := max(done, len(after)-len(text))
		at := bytes.Index(after[begin:], d.Text())
		if at < 0 {
			return nil, fmt.Errorf("%s:%d: the file has changed since it was read; run convert again", file, d.First())
		}
		begin += at
		end := begin + len(d.Text())
		left = left || d.After != nil
		if d.After == nil {
			begin, end = withSeparator(after, begin, end)
		}
		if d.Changed {
			after = append(after[:begin:begin], append(bytes.Clone(d.After), after[end:]...)...)
			end = begin + len(d.After)
		}
		done = end
	}
	if !left {
		return nil, nil
	}
	return after, nil
}

// withSeparator takes the line --- before a document along, or, for the first one, the one
// behind it.
func withSeparator(text []byte, begin, end int) (int, int) {
	if before := bytes.TrimSuffix(text[:begin], []byte("\n")); len(before) < begin {
		start := bytes.LastIndexByte(before, '\n') + 1
		if bytes.HasPrefix(before[start:], []byte("---")) {
			return start, end
		}
	}
	if bytes.HasPrefix(text[end:], []byte("---")) {
		if i := bytes.IndexByte(text[end:], '\n'); i >= 0 {
			return begin, end + i + 1
		}
		return begin, len(text)
	}
	return begin, end
}
