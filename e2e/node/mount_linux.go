package node

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// share makes a folder a mount of its own that shares what is mounted below it with its
// copies, unless it is one already.
func share(folder string) error {
	places, err := mounted()
	if err != nil || slices.Contains(places, folder) {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(folder, folder, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s on itself: %w", folder, err)
	}
	if err := unix.Mount("", folder, "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("share the mounts below %s: %w", folder, err)
	}
	return nil
}

// unmountBelow unmounts what is mounted below folders, the newest first.
func unmountBelow(folders ...string) error {
	places, err := mounted()
	if err != nil {
		return err
	}
	for _, place := range slices.Backward(places) {
		if !slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(place, folder+"/") }) {
			continue
		}
		if err := unix.Unmount(place, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", place, err)
		}
	}
	return nil
}

// mounted are the places where something is mounted, the oldest mount first. The paths of
// a node have nothing that would be escaped there.
func mounted() ([]string, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var places []string
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			return nil, fmt.Errorf("/proc/self/mountinfo has the line %q", line)
		}
		places = append(places, fields[4])
	}
	return places, nil
}
