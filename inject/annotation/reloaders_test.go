package annotation

import "testing"

// The decisions of Stakater Reloader 1.4 (pkg/common/common.go, ShouldReload), case by case.
func TestReloaded(t *testing.T) {
	type m = map[string]string
	const search, auto, typed, reload, exclude = ReloaderSearch, ReloaderAuto, "secret.reloader.stakater.com/auto", ReloaderSecrets, "secrets.exclude.reloader.stakater.com/reload"
	for name, c := range map[string]struct {
		own, template, secret m
		want                  bool
	}{
		"nothing":                             {nil, nil, nil, false},
		"auto":                                {m{auto: "true"}, nil, nil, true},
		"auto, as strconv.ParseBool reads it": {m{auto: "T"}, nil, nil, true},
		"auto: yes":                           {m{auto: "yes"}, nil, nil, false},
		"auto of Secrets":                     {m{typed: "1"}, nil, nil, true},
		"auto on the template":                {nil, m{auto: "true"}, nil, true},
		"the owner says no":                   {m{auto: "false"}, m{auto: "true"}, nil, false},
		"the owner says something else":       {m{reload: "other"}, m{auto: "true"}, nil, false},
		"by name":                             {m{reload: "other, orders-db"}, nil, nil, true},
		"by pattern":                          {m{reload: "orders-.*"}, nil, nil, true},
		"patterns are anchored":               {m{reload: "orders"}, nil, nil, false},
		"not its alternatives":                {m{reload: "orders|nothing"}, nil, nil, true},
		"a pattern that is none":              {m{reload: "orders-(, orders-db"}, nil, nil, true},
		"search without match":                {m{search: "true"}, nil, nil, false},
		"search with match":                   {m{search: "true"}, nil, m{"reloader.stakater.com/match": "true"}, true},
		"search is no boolean":                {m{search: "True"}, nil, m{"reloader.stakater.com/match": "true"}, false},
		"ignored":                             {m{auto: "true"}, nil, m{"reloader.stakater.com/ignore": "true"}, false},
		"excluded":                            {m{auto: "true", exclude: "a, orders-db"}, nil, nil, false},
		"excluded though named":               {m{reload: "orders-db", exclude: "orders-db"}, nil, nil, false},
		"excluded by its template":            {nil, m{auto: "true", exclude: "orders-db"}, nil, true},
		"classes say nothing of Secrets":      {m{ReloaderClasses: "orders-db"}, nil, nil, false},
	} {
		w := &Reloaded{Kind: "Deployment", Own: c.own, Template: c.template}
		if got := w.OnSecret("orders-db", c.secret); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		kind string
		own  m
		want bool
	}{
		"by name":                   {"Deployment", m{ReloaderClasses: "orders-.*"}, true},
		"auto of classes":           {"StatefulSet", m{"secretproviderclass.reloader.stakater.com/auto": "true"}, true},
		"excluded":                  {"Deployment", m{"secretproviderclass.reloader.stakater.com/auto": "true", "secretproviderclasses.exclude.reloader.stakater.com/reload": "orders-kv"}, false},
		"auto of everything":        {"Deployment", m{auto: "true"}, false}, // not known whether the integration is on
		"a kind it does not watch":  {"ReplicaSet", m{ReloaderClasses: "orders-kv"}, false},
		"a name that is not meant":  {"Deployment", m{ReloaderClasses: "shop-kv"}, false},
		"auto beside the class's":   {"Deployment", m{auto: "true", ReloaderClasses: "shop-kv"}, true},
		"a Rollout, if switched on": {"Rollout", m{ReloaderClasses: "orders-kv"}, true},
	} {
		if got := (&Reloaded{Kind: c.kind, Own: c.own}).OnClass("orders-kv", nil); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestNearOurs(t *testing.T) {
	for key, want := range map[string]bool{
		"azure.keyvault.injector/objects":      false,
		"azure.keyvault-injector/objects":      true,
		"azure.keyvault.injector.io/objects":   true,
		"azure.keyvaults.injector/objects":     true,
		"azure.key-vault.injector/vault":       true,
		"Azure.KeyVault.Injector/Objects":      true,
		"keyvault.injector/objects":            false,
		"azure.keyvault.inject/client-id":      true,
		"azure.keyvault.injector.io/note":      true,
		"azure.keyvault.injectr/secrets":       true,
		"azure.keyvault-injector/whatever":     true,
		"azure.workload.identity/client-id":    false,
		"vault.hashicorp.com/agent-inject":     false,
		"sidecar.istio.io/inject":              false,
		"objects":                              false,
		"azure.keyvault.injector/objects.a-kv": false,
		"azure.keyvault.injektor/objects.a-kv": false,
	} {
		if got := NearOurs(key); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
}
