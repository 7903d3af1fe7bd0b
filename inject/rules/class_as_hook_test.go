package rules

import (
	"testing"

	"akv-injector/inject/annotation"
)

func TestClassAsHook(t *testing.T) {
	for name, c := range map[string]struct {
		annotations map[string]string
		want        []string
	}{
		"none":    {nil, nil},
		"Helm's":  {map[string]string{"helm.sh/hook": "pre-install,pre-upgrade"}, []string{"warning AKV029 metadata.annotations[helm.sh/hook]"}},
		"Argo's":  {map[string]string{"argocd.argoproj.io/hook": "PreSync"}, []string{"warning AKV029 metadata.annotations[argocd.argoproj.io/hook]"}},
		"another": {map[string]string{"helm.sh/resource-policy": "keep", annotation.Allow: "AKV029"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRuled()
			r.Class.Annotations = c.annotations
			wantFields(t, classFindings(r), c.want)
		})
	}
}
