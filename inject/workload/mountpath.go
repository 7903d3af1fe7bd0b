package workload

import (
	"path"
	"strings"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// DefaultMountPath is where secrets are mounted by default. On Windows the kubelet would put
// the Linux default on drive C:.
func DefaultMountPath(windows bool) string {
	if windows {
		return `C:\mnt\secrets-store`
	}
	return defaultMountPath
}

const defaultMountPath = "/mnt/secrets-store"

// MountPathProblem is what is wrong with a mount path, if anything.
func MountPathProblem(p string, windows bool) finding.Problem {
	if bad := text.BadCharacter(p); bad != "" {
		return finding.Problem{What: "contains " + bad, Fix: "remove it"}
	}
	if len(p) > 1024 {
		return finding.Problem{What: "longer than 1,024 characters", Fix: "shorten it"}
	}
	if windows {
		return windowsPathProblem(p)
	}
	switch {
	case !strings.HasPrefix(p, "/"):
		return finding.Problem{What: "not absolute", Fix: "write a path that begins with /, such as " + defaultMountPath}
	case strings.Contains(p, ":"):
		return finding.Problem{What: "contains a colon, which Kubernetes does not allow in a mount path", Fix: "choose a path without one"}
	case p == "/":
		return finding.Problem{What: "is the root of the container", Fix: "write a folder below it, such as " + defaultMountPath}
	case path.Clean(p) != p:
		return finding.Problem{What: "not a clean path", Fix: "write " + path.Clean(p)}
	}
	return finding.Problem{}
}

func windowsPathProblem(p string) finding.Problem {
	const shape = `write a drive's path with backslashes, such as C:\mnt\secrets-store`
	if len(p) < 4 || p[1] != ':' || p[2] != '\\' || !text.IsAlphanumeric(p[0]) || p[0] <= '9' {
		return finding.Problem{What: "not a Windows path, but the pod's os is windows", Fix: shape}
	}
	for part := range strings.SplitSeq(p[3:], `\`) {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, `/:*?"<>|`) {
			return finding.Problem{What: "not a clean Windows path", Fix: shape}
		}
	}
	return finding.Problem{}
}

// FilePath is the path of a mounted file in a container.
func FilePath(mountPath, file string, windows bool) string {
	if windows {
		return mountPath + `\` + strings.ReplaceAll(file, "/", `\`)
	}
	return mountPath + "/" + file
}

// ComparablePath normalizes a mount path, so that equal places are equal strings. The
// kubelet on Windows puts a path without a drive on C:, and paths of Windows are
// case-insensitive.
func ComparablePath(p string, windows bool) string {
	if !windows {
		if !strings.HasPrefix(p, "/") {
			p = "/" + p
		}
		return path.Clean(p) // allocates nothing if p is clean
	}
	p = strings.ToLower(strings.ReplaceAll(p, `\`, "/"))
	if len(p) < 2 || p[1] != ':' {
		p = "c:" + path.Clean("/"+p)
	}
	return path.Clean(p)
}

// PathBelow reports whether comparable path p is below comparable path root.
func PathBelow(p, root string) bool {
	return root == "/" && p != "/" || strings.HasPrefix(p, root+"/")
}
