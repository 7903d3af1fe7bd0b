package controller

import (
	"testing"
	"time"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

func TestUnusedSince(t *testing.T) {
	tests := map[string]struct {
		mark   string
		wantOK bool
	}{
		"our own":             {markAt(testNow), true},
		"our own, mid-second": {markAt(testNow.Add(999 * time.Millisecond)), true},
		"another time zone":   {"2026-03-01T13:00:00+01:00", true},
		"long ago":            {"1970-01-01T00:00:00Z", true},
		"in the future":       {markAt(testNow.Add(time.Hour)), false},
		"not a time":          {"yesterday", false},
		"empty":               {"", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			spc := &secretsstorev1.SecretProviderClass{}
			mark(tc.mark)(spc)
			if _, ok := unusedSince(spc, testNow); ok != tc.wantOK {
				t.Errorf("unusedSince(%q) ok = %t, want %t", tc.mark, ok, tc.wantOK)
			}
		})
	}
}
