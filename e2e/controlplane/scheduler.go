package controlplane

import (
	"fmt"

	"akv-injector/e2e/process"
)

func (cp *ControlPlane) schedulerServer(program string, listen *port) (*server, error) {
	user, err := cp.User("system:kube-scheduler")
	if err != nil {
		return nil, err
	}
	serving, err := cp.authority.server("kube-scheduler", "127.0.0.1", "localhost")
	if err != nil {
		return nil, err
	}
	return &server{
		ready:  listen.url() + "/healthz",
		client: cp.probes,
		spec: process.Spec{
			Name: "kube-scheduler",
			Path: program,
			Args: []string{
				"--kubeconfig", user.Kubeconfig,
				"--authentication-kubeconfig", user.Kubeconfig,
				"--authorization-kubeconfig", user.Kubeconfig,
				"--bind-address", "127.0.0.1",
				"--secure-port", fmt.Sprint(listen.Number),
				"--tls-cert-file", serving.CertFile,
				"--tls-private-key-file", serving.KeyFile,
				"--client-ca-file", cp.CAFile,
				"--leader-elect=false",
				"--kube-api-qps", "500",
				"--kube-api-burst", "1000",
			},
			Log: cp.logFile("kube-scheduler"),
		},
	}, nil
}
