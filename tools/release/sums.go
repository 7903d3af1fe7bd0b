package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// sumsFile has a line for each file beside it, as sha256sum -c reads it.
const sumsFile = "SHA256SUMS"

func (r *release) makeSums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, e := range entries {
		if e.IsDir() || e.Name() == sumsFile {
			continue
		}
		content, err := os.ReadFile(r.path(e.Name()))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(&lines, "%s  %s\n", hex.EncodeToString(sum[:]), e.Name())
	}
	r.say("%s", sumsFile)
	return os.WriteFile(r.path(sumsFile), []byte(lines.String()), 0o644)
}
