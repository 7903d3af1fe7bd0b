package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// krewFile is krew's manifest of the plugin.
const krewFile = "akv.yaml"

// makePlugin makes an archive of kubectl-akv for each platform, and a krew manifest that names them.
func (r *release) makePlugin(ctx context.Context) error {
	license, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return err
	}
	manifest, err := os.ReadFile(filepath.Join(r.root, "deploy", "krew", krewFile))
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(strings.ReplaceAll(string(manifest), "@VERSION@", r.version))
	for _, p := range r.plugins {
		program, m, err := r.compile(ctx, "./cmd/kubectl-akv", p)
		if err != nil {
			return err
		}
		binary := "kubectl-akv"
		if p.os == "windows" {
			binary += ".exe"
		}
		archive, err := tarOf(entry{"LICENSE", 0o644, license}, entry{"THIRD-PARTY", 0o644, m.notices("kubectl-akv " + r.version)}, entry{binary, 0o755, program})
		if err != nil {
			return err
		}
		if archive, err = zipped(archive); err != nil {
			return err
		}
		file := fmt.Sprintf("kubectl-akv_%s_%s.tar.gz", p.os, p.arch)
		if err := os.WriteFile(r.path(file), archive, 0o644); err != nil {
			return err
		}
		if err := r.writeBill(fmt.Sprintf("kubectl-akv_%s_%s.spdx.json", p.os, p.arch), "kubectl-akv", program, m); err != nil {
			return err
		}
		sum := sha256.Sum256(archive)
		fmt.Fprintf(&text, "    - selector:\n        matchLabels: {os: %s, arch: %s}\n      uri: %s/%s\n      sha256: %s\n      bin: %s\n",
			p.os, p.arch, r.url, file, hex.EncodeToString(sum[:]), binary)
	}
	r.say("%s, and %d archives", krewFile, len(r.plugins))
	return os.WriteFile(r.path(krewFile), []byte(text.String()), 0o644)
}
