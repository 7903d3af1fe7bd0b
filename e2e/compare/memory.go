package compare

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Memory is what a program has allocated since its start, as client libraries for Prometheus expose it.
type Memory struct{ Objects, Bytes float64 }

// ReadMemory reads it from the text of a program's metrics.
func ReadMemory(metrics string) (m Memory, err error) {
	for name, into := range map[string]*float64{"go_memstats_mallocs_total": &m.Objects, "go_memstats_alloc_bytes_total": &m.Bytes} {
		_, after, found := strings.Cut("\n"+metrics, "\n"+name+" ")
		if !found {
			return m, fmt.Errorf("the metrics have no %s", name)
		}
		value, _, _ := strings.Cut(after, "\n")
		if *into, err = strconv.ParseFloat(value, 64); err != nil {
			return m, fmt.Errorf("%s: %w", name, err)
		}
	}
	return m, nil
}

// Since is what was allocated since an earlier moment.
func (m Memory) Since(before Memory) Memory {
	return Memory{Objects: m.Objects - before.Objects, Bytes: m.Bytes - before.Bytes}
}

// Metrics asks a target that has them beside its webhook.
func Metrics(ctx context.Context, target *Target) (string, error) {
	c, err := dial(ctx, target)
	if err != nil {
		return "", err
	}
	defer c.tls.Close()
	if _, err := fmt.Fprintf(c.tls, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var text strings.Builder
	if err := response.Write(&text); err != nil {
		return "", err
	}
	return text.String(), nil
}
