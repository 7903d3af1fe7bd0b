package rules

import (
	"testing"

	"akv-injector/inject/provider"
)

func TestNoDriver(t *testing.T) {
	testRule(t, "AKV016", map[string]ruleCase{
		"no CSIDriver":       {func(r *ruled) { r.Facts.CSIDriver, r.Facts.NoCSIDriver = nil, true }, []string{"warning " + classField}},
		"not looked up":      {func(r *ruled) { r.Facts.CSIDriver = nil }, nil},
		"no CRD":             {func(r *ruled) { r.Facts.NoClassCRD = true }, []string{"warning " + classField}},
		"no token requested": {func(r *ruled) { r.Facts.CSIDriver.Spec.TokenRequests = nil }, []string{"warning " + classField}},
		"no token needed": {func(r *ruled) {
			r.Facts.CSIDriver.Spec.TokenRequests = nil
			r.Class.Spec.Parameters[provider.ParamVMIdentity] = "true"
		}, nil},
		"the token of the proxy": {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamTokenProxy] = "true" }, []string{"warning " + classField}},
		"another provider":       {func(r *ruled) { r.Facts.CSIDriver.Spec.TokenRequests = nil; r.Class.Spec.Provider = "aws" }, nil},
		"another driver":         {func(r *ruled) { r.Facts.NoCSIDriver = true; r.CSI().Driver = "disk.csi.azure.com" }, nil},
	})
}
