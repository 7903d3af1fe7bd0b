package rotation_test

import (
	"testing"

	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/system"
	"akv-injector/inject/finding"
)

// silentlyWrong is the other half of AKV008: what mounts without a word, and is not what
// was meant. Each class is one that the rule finds fault with, in a pod of its own.
func silentlyWrong(t *testing.T, s *system.System) {
	b := newByHand(t, s, "silently-wrong")
	setSecret(t, b.Tenant, "First", "first")
	setSecret(t, b.Tenant, "Second", "second")
	check(t, b.Grant(b.Vault, system.RoleCertificateUser))
	_, err := s.Azure.Vault().CreateCertificate(b.Vault, "frontend", "CN=frontend.example", vault.Attributes{})
	check(t, err)

	cases := []struct {
		name     string
		severity finding.Severity
		objects  []string
		script   string
		want     string
	}{
		{
			"mode-in-letters", finding.Error,
			[]string{object("First", "filePermission: rw-r-----")},
			"stat -L -c %a First", "0",
		},
		{
			"mode-not-octal", finding.Error,
			[]string{object("First", `filePermission: "0980"`)},
			"stat -L -c %a First", "0",
		},
		{
			"one-name-for-two", finding.Error,
			[]string{object("First", "objectAlias: same"), object("Second", "objectAlias: same")},
			"cat *", "second",
		},
		{
			"pfx-as-text", finding.Warning,
			[]string{object("frontend", "objectFormat: pfx"), object("frontend", "objectFormat: pfx", "objectEncoding: base64", "objectAlias: binary")},
			"base64 -d frontend | cmp - binary && echo same", "same",
		},
		{
			"pfx-in-capitals", finding.Error,
			[]string{object("frontend", "objectType: cert", "objectFormat: PFX")},
			"head -n 1 frontend", "-----BEGIN CERTIFICATE-----",
		},
	}
	for _, c := range cases {
		b.create(t, b.class(c.name, c.objects...), b.pod(c.name, c.name))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			pod, err := b.AwaitPod(t.Context(), c.name)
			check(t, err)
			b.refusedBy(t, "AKV008", c.severity, pod)
			b.stays(t, c.name, "cd /mnt/"+c.name+"; "+c.script, c.want)
		})
	}
}

// tenantSpelling: the provider's old name of tenantID is as good.
func tenantSpelling(t *testing.T, s *system.System) {
	b := newByHand(t, s, "tenant-spelling")
	setSecret(t, b.Tenant, "DB-Password", "1")
	class := b.class("store", object("DB-Password"))
	class.Spec.Parameters["tenantId"] = class.Spec.Parameters["tenantID"]
	delete(class.Spec.Parameters, "tenantID")
	b.create(t, class)
	pod := b.pod("reader", "store")
	runPod(t, b.Tenant, pod)
	b.rotate(t, "2", pod.Name, "/mnt/store/DB-Password")
}
