package provider

import (
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Driver has the flags for rotation of the Secrets Store CSI driver's DaemonSet.
type Driver struct {
	// Version as in the image's tag, without its v: 1.6.0; empty if the tag is not a version.
	Version string
	// Rotation is --enable-secret-rotation.
	Rotation bool
	// PollInterval is --rotation-poll-interval.
	PollInterval time.Duration
	// BadInterval is a --rotation-poll-interval that is no duration: the driver does not start with it.
	BadInterval string
}

// DefaultPollInterval is the driver's default (1.6.0, cmd/secrets-store-csi-driver/main.go).
const DefaultPollInterval = 2 * time.Minute

// DriverIn finds the driver's DaemonSet in a list, the one for Linux if there is another for
// Windows, and reads its flags. It returns nil if there is none.
//
// It recognizes the driver's container by a flag that no other container has: names and
// labels differ between AKS (aks-secrets-store-csi-driver), the driver's chart and its
// manifests.
func DriverIn(sets []appsv1.DaemonSet) *Driver {
	var driver *Driver
	for i := range sets {
		spec := &sets[i].Spec.Template.Spec
		windows := spec.NodeSelector[corev1.LabelOSStable] == string(corev1.Windows)
		if windows && driver != nil {
			continue
		}
		for j := range spec.Containers {
			c := &spec.Containers[j]
			args := slices.Concat(c.Command, c.Args)
			if _, ok := flagOf(args, "provider-volume"); !ok {
				continue
			}
			if d := readDriver(c.Image, args); driver == nil || !windows {
				driver = d
			}
		}
	}
	return driver
}

func readDriver(reference string, args []string) *Driver {
	d := &Driver{Version: imageVersion(reference), PollInterval: DefaultPollInterval}
	if value, ok := flagOf(args, "enable-secret-rotation"); ok {
		// A boolean flag takes its value only after =.
		on, err := strconv.ParseBool(value)
		d.Rotation = on || err != nil
	}
	if value, ok := flagOf(args, "rotation-poll-interval"); ok {
		if interval, err := time.ParseDuration(value); err == nil {
			d.PollInterval = interval
		} else {
			d.BadInterval = value
		}
	}
	return d
}

// flagOf finds the value of a flag as Go's flag package reads it: -name or --name, with
// its value after =, or in the next argument unless that is a flag. The last of several
// equal flags counts.
func flagOf(args []string, name string) (value string, ok bool) {
	for i, arg := range args {
		given, found := strings.CutPrefix(arg, "-")
		if !found {
			continue
		}
		given = strings.TrimPrefix(given, "-")
		key, v, assigned := strings.Cut(given, "=")
		if key != name {
			continue
		}
		value, ok = v, true
		if !assigned {
			value = "true"
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				value = args[i+1]
			}
		}
	}
	return value, ok
}

func imageVersion(reference string) string {
	_, tag := ImageParts(reference)
	version, ok := strings.CutPrefix(tag, "v")
	if !ok {
		return ""
	}
	return version
}

// Republishes reports whether the kubelet makes this driver rotate (from 1.6 on), rather
// than a loop of its own. A driver of unknown version counts as a new one.
func (d *Driver) Republishes() bool {
	major, rest, _ := strings.Cut(d.Version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	m, err := strconv.Atoi(minor)
	return err != nil || major != "1" || m >= 6
}
