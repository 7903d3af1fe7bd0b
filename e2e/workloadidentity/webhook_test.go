package workloadidentity_test

import (
	"strings"
	"testing"

	"akv-injector/e2e/workloadidentity"
)

// That the API server gets pods from it is tested in package order, behind ours.

func TestStartNeedsATenant(t *testing.T) {
	_, err := workloadidentity.Start(t.Context(), nil, workloadidentity.Options{})
	if err == nil || !strings.Contains(err.Error(), "Options.TenantID is required") {
		t.Errorf("error is %v", err)
	}
}

func TestVolumeNameIsAValidOne(t *testing.T) {
	name := workloadidentity.VolumeName("pod")
	if len(name) != 63 || name == workloadidentity.VolumeName("another") {
		t.Errorf("the volume is called %s, with %d characters", name, len(name))
	}
}
