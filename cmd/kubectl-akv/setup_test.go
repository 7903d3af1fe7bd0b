package main

import (
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestSetupFlags(t *testing.T) {
	files := []string{"-f", root + "/examples/shop", "-g", "shop", "--cluster-name", "shop"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no cluster":       {[]string{"-f", root + "/examples/shop"}, "--cluster-name"},
		"output":           {append(files, "-o", "yaml"), "--output"},
		"scope":            {append(files, "--scope", "all"), "--scope"},
		"mode":             {append(files, "--identity-mode", "auto"), "--identity-mode"},
		"apply and a file": {append(files, "--apply", "-o", "az"), "leave one out"},
		"yes alone":        {append(files, "--yes"), "--yes is for --apply"},
		"teardown of what": {[]string{"-g", "shop", "--cluster-name", "shop", "--teardown"}, "--teardown: name by -f"},
		"wait":             {append(files, "--wait=-1s"), "--wait"},
		"a hostile group":  {append(files, "-g", "$(id)"), "--resource-group"},
		"outside a fence":  {append(files, "--allowed-vaults", "other-*"), "may not use the vault payments-kv"},
		"a template of an identity that is somewhere": {append(files, "-o", "bicep"), "--managed-identity: a template must know"},
		"what the operator must be told":              {append(files, "-o", "aso"), "az account show --query id"},
		"a place for a script":                        {append(files, "-o", "az", "--managed-identity", "a"), "a script looks for it"},
		"half a place":                                {append(files, "-o", "bicep", "--managed-identity", "a=b"), "write CLIENT-ID=GROUP/NAME"},
		"a vault in nothing":                          {append(files, "-o", "bicep", "--vault-resource-group", "a="), "write GROUP, or VAULT=GROUP"},
		"a hostile place":                             {append(files, "-o", "terraform", "--vault-resource-group", "${x}"), "cannot stand in a template"},
		"an issuer for bicep":                         {append(files, "-o", "bicep", "--issuer", "https://a"), "--issuer is for -o aso"},
		"the teardown of a template":                  {append(files, "-o", "bicep", "--teardown"), "by its own tool"},
		"as somebody else":                            {append(files, "-o", "az", "--as", "admin"), "--as: the commands of a script"},
		"nothing to do":                               {[]string{"-f", root + "/examples/shop/serviceaccount.yaml", "-g", "shop", "--cluster-name", "shop"}, "no workload reads an object"},
	} {
		var stdout, stderr strings.Builder
		code := start(t.Context(), append([]string{"setup"}, c.args...), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
		if code != exitUnusable || !strings.Contains(stderr.String(), c.want) || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%s: exit code %d: %s%s", name, code, &stderr, &stdout)
		}
	}
}
