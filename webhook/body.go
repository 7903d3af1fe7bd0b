package webhook

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"
)

// buffer has the bytes of a body, or of an answer. It is used again after free: no part of it may be kept.
type buffer struct{ bytes []byte }

// maxKept is the largest buffer that is kept for the next request.
const maxKept = 128 << 10

var buffers = sync.Pool{New: func() any { return &buffer{} }}

// takeBuffer returns an empty buffer with room for size bytes.
func takeBuffer(size int) *buffer {
	b, _ := buffers.Get().(*buffer)
	if size += bytes.MinRead; cap(b.bytes) < size {
		b.bytes = make([]byte, 0, size)
	}
	return b
}

func (b *buffer) free() {
	if cap(b.bytes) > maxKept {
		return
	}
	b.bytes = b.bytes[:0]
	buffers.Put(b)
}

// read reads a body of a size. Of one that is too large only the start is read.
func (b *buffer) read(w http.ResponseWriter, r *http.Request, size int) (tooLarge bool, failure *httpError) {
	// A caller that sends its body in drops would hold a connection and memory for as
	// long as it likes. Not every ResponseWriter can have a deadline; those of the
	// server can.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyDeadline))
	limit := maxBody + 1
	if size > maxBody {
		limit = startBytes
	}
	read := bytes.NewBuffer(b.bytes)
	_, err := read.ReadFrom(io.LimitReader(r.Body, int64(limit)))
	b.bytes = read.Bytes()
	switch {
	case err != nil:
		return false, badRequest("the body could not be read: %s", line(err.Error(), maxDetail))
	case size > maxBody || len(b.bytes) > maxBody:
		// Whoever is answered before it has sent all may take that for a failure.
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxDrained))
		b.bytes = b.bytes[:min(len(b.bytes), startBytes)]
		return true, nil
	case len(b.bytes) == 0:
		return false, badRequest("the body is empty; expected an AdmissionReview")
	// JSON decoders put U+FFFD in the place of broken bytes. What we would then decide
	// on is not what was sent.
	case !utf8.Valid(b.bytes):
		return false, badRequest("the body is not valid UTF-8")
	}
	return false, nil
}
