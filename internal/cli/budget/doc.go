// Package budget forecasts how many calls the CSI driver makes to each Key Vault, against the limits of Key Vault.
package budget
