package rules

import "testing"

func TestVolumeReadOnly(t *testing.T) {
	testRule(t, "AKV002", map[string]ruleCase{
		"not set":           {func(r *ruled) { r.CSI().ReadOnly = nil }, []string{"error spec.volumes[0].csi.readOnly"}},
		"false":             {func(r *ruled) { *r.CSI().ReadOnly = false }, []string{"error spec.volumes[0].csi.readOnly"}},
		"of another driver": {func(r *ruled) { *r.CSI().ReadOnly = false; r.CSI().Driver = "disk.csi.azure.com" }, nil},
	})
}
