package rules

import "testing"

func TestUnusedFSType(t *testing.T) {
	testRule(t, "AKV023", map[string]ruleCase{
		"set":     {func(r *ruled) { r.CSI().FSType = new("ext4") }, []string{"warning spec.volumes[0].csi.fsType"}},
		"empty":   {func(r *ruled) { r.CSI().FSType = new("") }, nil},
		"not set": {func(r *ruled) { r.CSI().FSType = nil }, nil},
	})
}
