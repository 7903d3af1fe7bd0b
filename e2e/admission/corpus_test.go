package admission_test

import (
	"slices"
	"strings"
	"testing"

	"akv-injector/inject"
	"akv-injector/internal/testing/corpus"
)

// The same cases that the engine and the handler are held against go through the real
// API server. What a case wants is what is stored, refused and told.
func TestCorpus(t *testing.T) {
	t.Parallel()
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		t.Fatal(err)
	}
	cases = withoutVaults(t, cases)
	common, special := groups(t, cases)

	t.Run("as installed", func(t *testing.T) {
		t.Parallel()
		s := shared(t)
		for _, c := range common {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				s.checkCase(t, c)
			})
		}
	})
	// Cases that want other flags, another driver or a webhook less take turns.
	t.Run("otherwise", func(t *testing.T) {
		t.Parallel()
		s := own(t, installed())
		for _, g := range special {
			t.Run(g.name(), func(t *testing.T) {
				s.become(t, g.circumstances)
				for _, c := range g.cases {
					t.Run(c.Name, func(t *testing.T) { s.checkCase(t, c) })
				}
			})
		}
	})
}

// withoutVaults leaves out the cases in which vaults are asked, at the case's own time:
// there is no such time here. Package vaultchecks asks vaults with the real program.
func withoutVaults(t *testing.T, cases []*corpus.Case) []*corpus.Case {
	t.Helper()
	all := len(cases)
	left := slices.DeleteFunc(cases, func(c *corpus.Case) bool {
		named := strings.Contains(c.Name, "vault-") || strings.Contains(c.Name, "-the-vault-")
		asks := c.Options.Vault != nil || c.Options.Calls != nil
		if asks && !named {
			t.Errorf("%s: the name of a case in which vaults are asked says so", c.Name)
		}
		return asks
	})
	const most = 40
	if n := all - len(left); n == 0 || n > most {
		t.Errorf("%d cases are left to package vaultchecks; 1 to %d are", n, most)
	}
	return left
}

// group is cases that can run against the same system.
type group struct {
	circumstances
	cases []*corpus.Case
}

// groups tells the cases that the system as it is installed is good for from those
// that want it otherwise.
func groups(t *testing.T, cases []*corpus.Case) (common []*corpus.Case, special []*group) {
	t.Helper()
	usual := circumstances{
		settings: inject.Settings{VaultExpiryWarning: inject.DefaultVaultExpiryWarning},
		driver:   sharedDriver(t), mutating: true,
	}
	for _, c := range cases {
		// Without the CRD no replica is ready, and nobody is asked.
		if c.Options.NoClassCRD {
			continue
		}
		wanted := circumstancesOf(t, c)
		if wanted == usual {
			common = append(common, c)
			continue
		}
		i := slices.IndexFunc(special, func(g *group) bool { return g.circumstances == wanted })
		if i < 0 {
			i = len(special)
			special = append(special, &group{circumstances: wanted})
		}
		special[i].cases = append(special[i].cases, c)
	}
	if len(common) == 0 || len(special) == 0 {
		t.Fatalf("%d cases as installed and %d kinds of others: want both", len(common), len(special))
	}
	// The mutating webhook does not come back.
	slices.SortStableFunc(special, func(a, b *group) int {
		if a.mutating == b.mutating {
			return 0
		} else if a.mutating {
			return -1
		}
		return 1
	})
	return common, special
}

func (g *group) name() string {
	parts := append([]string{}, g.args()...)
	if !g.mutating {
		parts = append(parts, "validating alone")
	}
	if len(parts) == 0 {
		parts = append(parts, "another driver")
	}
	return strings.Join(parts, " ")
}
