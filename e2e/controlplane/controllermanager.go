package controlplane

import (
	"fmt"
	"slices"

	"akv-injector/e2e/process"
)

func (cp *ControlPlane) controllerManagerServer(program string, listen *port, serving *KeyPair, serviceAccountKey string, extra []string) (*server, error) {
	user, err := cp.User("system:kube-controller-manager")
	if err != nil {
		return nil, err
	}
	args := []string{
		"--kubeconfig", user.Kubeconfig,
		"--authentication-kubeconfig", user.Kubeconfig,
		"--authorization-kubeconfig", user.Kubeconfig,
		"--bind-address", "127.0.0.1",
		"--secure-port", fmt.Sprint(listen.Number),
		"--tls-cert-file", serving.CertFile,
		"--tls-private-key-file", serving.KeyFile,
		"--client-ca-file", cp.CAFile,
		"--root-ca-file", cp.CAFile,
		"--cluster-signing-cert-file", cp.CAFile,
		"--cluster-signing-key-file", cp.authority.keyFile(),
		"--service-account-private-key-file", serviceAccountKey,
		// Each controller as a service account of its own, so that audit and
		// admission see who really creates a pod.
		"--use-service-account-credentials",
		// There is no second one, and one that loses its lease while the API server
		// restarts would end.
		"--leader-elect=false",
		// A test waits for it: no reason to be slow.
		"--kube-api-qps", "500",
		"--kube-api-burst", "1000",
	}
	return &server{
		ready:  listen.url() + "/healthz",
		client: cp.probes,
		spec: process.Spec{
			Name: "kube-controller-manager",
			Path: program,
			Args: slices.Concat(args, extra),
			Log:  cp.logFile("kube-controller-manager"),
		},
	}, nil
}
