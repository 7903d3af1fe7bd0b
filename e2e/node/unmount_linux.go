package node

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// unmountBelow unmounts what is mounted below folders, the newest first.
func unmountBelow(folders ...string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	for _, line := range slices.Backward(lines) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			return fmt.Errorf("/proc/self/mountinfo has the line %q", line)
		}
		// The paths of a node have nothing that would be escaped here.
		place := fields[4]
		if !slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(place, folder+"/") }) {
			continue
		}
		if err := unix.Unmount(place, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", place, err)
		}
	}
	return nil
}
