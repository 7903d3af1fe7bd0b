package inject

import (
	"testing"

	"akv-injector/inject/provider"
)

func TestNoDriver(t *testing.T) {
	testRule(t, "AKV016", map[string]ruleCase{
		"no CSIDriver":       {func(r *ruled) { r.facts.CSIDriver, r.facts.NoCSIDriver = nil, true }, []string{"warning " + classField}},
		"nobody looked":      {func(r *ruled) { r.facts.CSIDriver = nil }, nil},
		"no CRD":             {func(r *ruled) { r.facts.NoClassCRD = true }, []string{"warning " + classField}},
		"no token requested": {func(r *ruled) { r.facts.CSIDriver.Spec.TokenRequests = nil }, []string{"warning " + classField}},
		"no token needed": {func(r *ruled) {
			r.facts.CSIDriver.Spec.TokenRequests = nil
			r.class.Spec.Parameters[provider.ParamVMIdentity] = "true"
		}, nil},
		"the token of the proxy": {func(r *ruled) { r.class.Spec.Parameters[provider.ParamTokenProxy] = "true" }, []string{"warning " + classField}},
		"another provider":       {func(r *ruled) { r.facts.CSIDriver.Spec.TokenRequests = nil; r.class.Spec.Provider = "aws" }, nil},
		"another driver":         {func(r *ruled) { r.facts.NoCSIDriver = true; r.csi().Driver = "disk.csi.azure.com" }, nil},
	})
}
