package sandbox_test

import (
	"context"
	"net"
	"os"
	"testing"

	"akv-injector/e2e/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main(m, func(context.Context) error { return nil })
}

func TestInside(t *testing.T) {
	sandbox.Require(t)
	if os.Getpid() < 2 || os.Getppid() != 1 {
		t.Errorf("process %d, child of %d: want a child of 1", os.Getpid(), os.Getppid())
	}
	for _, address := range []string{"127.0.0.1", sandbox.NodeIP, sandbox.AzureIP} {
		l, err := net.Listen("tcp", net.JoinHostPort(address, "443"))
		if err != nil {
			t.Error(err)
			continue
		}
		l.Close()
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(interfaces)
	if err := os.WriteFile("/run/akv-e2e-probe", nil, 0o600); err != nil {
		t.Error(err)
	}
}
