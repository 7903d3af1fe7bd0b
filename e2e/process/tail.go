package process

import (
	"io"
	"os"
	"strings"
)

// tail gives the last lines of a file, each indented and cut to a sane length:
// some programs log a whole configuration in one line.
func tail(path string, count int) string {
	const (
		window   = 64 << 10
		maxWidth = 600
	)
	file, err := os.Open(path)
	if err != nil {
		return "  (no log: " + err.Error() + ")"
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > window {
		if _, err := file.Seek(-window, io.SeekEnd); err != nil {
			return "  (no log: " + err.Error() + ")"
		}
	}
	content, _ := io.ReadAll(file)
	text := strings.TrimSpace(string(content))
	if text == "" {
		return "  (nothing)"
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-count):]
	for i, line := range lines {
		if len(line) > maxWidth {
			line = line[:maxWidth] + "…"
		}
		lines[i] = "  " + line
	}
	return strings.Join(lines, "\n")
}
