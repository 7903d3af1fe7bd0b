// Package setup works out what workloads need of Azure and of their cluster to read their objects, and makes it: as a script of az
// and kubectl that can be run again, or as templates of Bicep, Terraform and Azure Service Operator.
package setup
