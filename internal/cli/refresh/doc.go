// Package refresh makes the kubelet ask the CSI driver for the volumes of pods at once, on a
// person's behalf and with their rights: kubectl akv refresh.
package refresh
