// Package installed has akv-injector as users have it: installed by Helm from the chart, as pods of its own image on a real node, behind a
// Service that kube-proxy makes, with certificates of its own or of cert-manager's real controllers.
package installed
