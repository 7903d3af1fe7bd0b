package manifest

// Document is the text that holds an object, alone or in a list: what has to be written
// again where the object is to be another one. Two are equal if they are the same text.
type Document struct{ d *document }

// Document of the object.
func (o *Object) Document() Document { return Document{o.document} }

// ListIndexes lead to the object in its document, through the items of each list around it.
func (o *Object) ListIndexes() []int { return o.items }

// File as it was named or found.
func (d Document) File() string { return d.d.file }

// First of its lines in the file, from 1.
func (d Document) First() int { return d.d.first }

// Text of the document, without the separators around it.
func (d Document) Text() []byte { return d.d.text }

// IsJSON reports whether the text is JSON.
func (d Document) IsJSON() bool { return d.d.isJSON }
