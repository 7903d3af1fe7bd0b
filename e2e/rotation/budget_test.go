package rotation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/build"
	"akv-injector/e2e/suite"
	"akv-injector/e2e/system"
)

// budget: what kubectl akv budget forecasts of a vault is what the vault is asked, by its audit log; and kubectl akv uses names
// who reads an object. It runs alone: what other tests do makes the kubelet's rounds longer.
func budget(t *testing.T, s *system.System) {
	b := newByHand(t, s, "budget")
	setSecret(t, b.Tenant, "DB-Password", "hunter2")
	setSecret(t, b.Tenant, "API-Key", "0123")
	b.create(t, b.class("all", object("DB-Password"), object("API-Key")))
	const pods = 4
	for i := range pods {
		b.create(t, b.pod(fmt.Sprintf("reader-%d", i), "all"))
	}
	for i := range pods {
		_, err := b.AwaitPod(t.Context(), fmt.Sprintf("reader-%d", i))
		check(t, err)
	}

	every := s.Options.PollInterval // of the older driver's own loop
	if !s.Options.Legacy {
		// The kubelet's rounds: its --sync-frequency, up to half of it more, and up to a second, since it looks at what is
		// due once a second. With its default of a minute that makes 75 s.
		every = s.Options.SyncFrequency*5/4 + time.Second/2
	}
	var forecast struct {
		Vaults []struct {
			Vault     string
			PerWindow float64 `json:"callsPer10s"`
		}
	}
	out := plugin(t, s, "budget", "-n", b.Namespace, "-o", "json", "--every", every.String())
	check(t, json.Unmarshal(out, &forecast))
	if len(forecast.Vaults) != 1 || forecast.Vaults[0].Vault != b.Vault {
		t.Fatalf("the forecast is %s", out)
	}
	want := forecast.Vaults[0].PerWindow

	calls := func() (n int) {
		for _, call := range s.Azure.Vault().Audit() {
			if call.Vault == b.Vault {
				n++
			}
		}
		return n
	}
	const looks = 12
	before, began := calls(), time.Now()
	check(t, b.Await(t.Context(), b.Namespace, "the driver to ask often enough", func(context.Context) (bool, string) {
		n := calls() - before
		return float64(n) >= want*float64(looks)*every.Seconds()/10, fmt.Sprintf("%d calls", n)
	}))
	got := float64(calls()-before) / time.Since(began).Seconds() * 10
	suite.Measure(t, "kubectl akv budget forecasts %.1f calls in 10 s; the vault's audit log has %.1f", want, got)
	const tolerance = 0.2
	if got < want*(1-tolerance) || got > want*(1+tolerance) {
		t.Errorf("the vault is asked %.1f times in 10 s, and the forecast is %.1f", got, want)
	}

	var found struct {
		Uses  []struct{ Workload, Container, From, Takes string }
		Roles []struct{ Role string }
	}
	out = plugin(t, s, "uses", b.Vault+"/DB-Password", "-n", b.Namespace, "-o", "json")
	check(t, json.Unmarshal(out, &found))
	if len(found.Uses) != pods || found.Uses[0].Workload != "Pod/reader-0" || found.Uses[0].From != "/mnt/all/DB-Password" || found.Uses[0].Takes != "file" ||
		len(found.Roles) != 1 || found.Roles[0].Role != system.RoleSecretsUser {
		t.Errorf("uses: %s", out)
	}
	check(t, s.API.DeleteAllOf(t.Context(), b.pod("any"), client.InNamespace(b.Namespace), client.GracePeriodSeconds(0)))
}

// plugin runs the plugin with an administrator's kubeconfig, and gives what it prints.
func plugin(t *testing.T, s *system.System, args ...string) []byte {
	t.Helper()
	program, err := build.Product(t.Context(), s.Options.Log, "./cmd/kubectl-akv")
	check(t, err)
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), s.KubectlCommand(t.Context()).Env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kubectl akv %q: %v\n%s", args, err, &stderr)
	}
	return out
}
