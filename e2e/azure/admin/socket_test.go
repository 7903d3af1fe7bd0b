package admin_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akv-injector/e2e/azure/admin"
)

func TestListenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(t.TempDir(), "admin.sock")
	listen(t, used)
	for name, test := range map[string]struct{ socket, want string }{
		"in use":   {used, "another server listens there"},
		"too long": {"/" + strings.Repeat("x", 120), "is longer than a socket's may be"},
		"a file":   {file, "a file is there that is no socket"},
	} {
		l, err := admin.Listen(t.Context(), test.socket, http.NotFoundHandler())
		if err == nil {
			_ = l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: want …%s…, got %v", name, test.want, err)
		}
	}
	for _, path := range []string{file, used} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("it is gone: %v", err)
		}
	}
}

// The socket of a server that was killed is replaced, and closing leaves none.
func TestListenReplacesDeadSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	l, err := admin.Listen(t.Context(), socket, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

func listen(t *testing.T, socket string) {
	t.Helper()
	l, err := admin.Listen(t.Context(), socket, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}
