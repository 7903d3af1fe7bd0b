package inject

import "testing"

func TestVolumeReadOnly(t *testing.T) {
	testRule(t, "AKV002", map[string]ruleCase{
		"not set":           {func(r *ruled) { r.csi().ReadOnly = nil }, []string{"error spec.volumes[0].csi.readOnly"}},
		"false":             {func(r *ruled) { *r.csi().ReadOnly = false }, []string{"error spec.volumes[0].csi.readOnly"}},
		"of another driver": {func(r *ruled) { *r.csi().ReadOnly = false; r.csi().Driver = "disk.csi.azure.com" }, nil},
	})
}
