package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"akv-injector/internal/testing/await"
)

// exampleImage is the image of the shop's examples.
const exampleImage = "docker.io/library/busybox:1.37"

const (
	oldValue = "correct-horse-battery-staple"
	newValue = "tr0ub4dor-and-3"
	file     = "/mnt/secrets-store/DB-Password"
)

// azureSetUp runs what a user runs once, with the commands of the real az.
func azureSetUp(ctx context.Context, s *show) error {
	s.title("In Azure: two vaults, and an identity that may read them and that the shop's service account may be")
	for _, args := range [][]string{
		{"keyvault", "create", "--name", "payments-kv", "--resource-group", "shop", "-o", "none"},
		{"keyvault", "secret", "set", "--vault-name", "payments-kv", "--name", "DB-Password", "--value", oldValue, "-o", "none"},
		{"keyvault", "secret", "set", "--vault-name", "payments-kv", "--name", "partner-api-token", "--value", "t0ken", "-o", "none"},
		{"keyvault", "create", "--name", "shared-kv", "--resource-group", "shop", "-o", "none"},
		{"keyvault", "key", "create", "--vault-name", "shared-kv", "--name", "signing", "--kty", "RSA", "-o", "none"},
		{"identity", "create", "--name", "shop", "--resource-group", "shop", "-o", "none"},
		{
			"identity", "federated-credential", "create", "--name", "shop", "--identity-name", "shop", "--resource-group", "shop",
			"--issuer", s.cp.Issuer, "--subject", "system:serviceaccount:shop:workload-identity-sa",
			"--audiences", "api://AzureADTokenExchange", "-o", "none",
		},
	} {
		if _, err := s.az(ctx, args...); err != nil {
			return err
		}
	}
	principal, err := s.az(ctx, "identity", "show", "--name", "shop", "--resource-group", "shop", "--query", "principalId", "-o", "tsv")
	if err != nil {
		return err
	}
	for _, grant := range []struct{ vault, role string }{
		{"payments-kv", "Key Vault Secrets User"}, {"shared-kv", "Key Vault Crypto User"},
	} {
		scope, err := s.system.Azure.VaultScope(grant.vault)
		if err != nil {
			return err
		}
		if _, err := s.az(ctx, "role", "assignment", "create", "--role", grant.role,
			"--assignee-object-id", principal, "--scope", scope, "-o", "none"); err != nil {
			return err
		}
	}
	return nil
}

// useIdentity puts the identity that was just made into the place of the example's.
func useIdentity(ctx context.Context, s *show) error {
	client, err := s.az(ctx, "identity", "show", "--name", "shop", "--resource-group", "shop", "--query", "clientId", "-o", "tsv")
	if err != nil {
		return err
	}
	_, err = s.kubectl(ctx, "annotate", "serviceaccount", "-n", "shop", "workload-identity-sa", "--overwrite",
		"azure.workload.identity/client-id="+client, "azure.workload.identity/tenant-id="+s.system.Azure.TenantID())
	return err
}

func readFiles(ctx context.Context, s *show) error {
	s.title("The files are in the running containers; the driver and the provider fetched them with the pod's own identity")
	if _, err := s.kubectl(ctx, "exec", "-n", "shop", "deploy/api", "--", "ls", "-R", "/mnt/secrets-store"); err != nil {
		return err
	}
	output, err := s.kubectl(ctx, "exec", "-n", "shop", "deploy/api", "--", "cat", file)
	if err != nil {
		return err
	}
	return want(output, oldValue)
}

// rotate is what all the rest is for.
func rotate(ctx context.Context, s *show) error {
	s.title("The secret is rotated in the vault; the same containers read the new value, without a restart")
	containers := []string{
		"get", "pods", "-n", "shop", "-l", "app=api", "--sort-by=.metadata.name", "-o",
		"custom-columns=POD:.metadata.name,UID:.metadata.uid,CONTAINER:.status.containerStatuses[0].containerID,RESTARTS:.status.containerStatuses[0].restartCount",
	}
	before, err := s.kubectl(ctx, containers...)
	if err != nil {
		return err
	}
	if _, err := s.az(ctx, "keyvault", "secret", "set", "--vault-name", "payments-kv", "--name", "DB-Password", "--value", newValue, "-o", "none"); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "   The kubelet asks the driver every %s or so, and the driver the vault every %s.\n"+
		"   (In a cluster with defaults: within the rotationPollInterval that the pod asks for, with driver 1.6. docs/rotation.md)\n",
		s.system.Options.SyncFrequency, s.system.Options.PollInterval)
	took, err := s.awaitEverywhere(ctx, before)
	if err != nil {
		return err
	}
	if _, err := s.kubectl(ctx, "exec", "-n", "shop", "deploy/api", "--", "cat", file); err != nil {
		return err
	}
	after, err := s.kubectl(ctx, containers...)
	if err != nil {
		return err
	}
	if after != before {
		return errors.New("these are not the same containers")
	}
	fmt.Fprintf(s.out, "   The same pods, the same containers, no restart: the new value was in both after %.1f s.\n", took.Seconds())
	return nil
}

// awaitEverywhere waits until every pod of a table reads the new value, and says how it goes.
func (s *show) awaitEverywhere(ctx context.Context, table string) (took time.Duration, err error) {
	begun := time.Now()
	lastSaid := begun
	rows := strings.Split(strings.TrimSpace(table), "\n")[1:]
	var failure error
	poll := await.Poll{Limit: 2 * time.Minute, Every: look}
	err = poll.Until(ctx, "every pod to read the new value", func(context.Context) (bool, string) {
		for ; len(rows) > 0; rows = rows[1:] {
			pod := strings.Fields(rows[0])[0]
			var value string
			// The limit does not cut short a look that has begun.
			if value, failure = s.system.Exec(ctx, "shop", pod, "api", "cat", file); failure != nil {
				return true, ""
			}
			took = time.Since(begun)
			switch {
			case value == newValue:
				fmt.Fprintf(s.out, "   %5.1f s  %s reads the new value\n", took.Seconds(), pod)
				continue
			case value != oldValue:
				failure = fmt.Errorf("%s reads %q, which is neither the old value nor the new one", pod, value)
				return true, ""
			case time.Since(lastSaid) >= 2*time.Second:
				lastSaid = time.Now()
				fmt.Fprintf(s.out, "   %5.1f s  %s still reads the old value\n", took.Seconds(), pod)
			}
			return false, pod + " reads the old value"
		}
		return true, ""
	})
	if err != nil {
		//nolint:contextcheck // It has a deadline of its own.
		return 0, s.system.Explain("shop", err)
	}
	return took, failure
}
