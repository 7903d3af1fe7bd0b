package main

import (
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
)

// dynamicClient is a client of the cluster that kubectl's flags name.
func dynamicClient(kube *genericclioptions.ConfigFlags) (dynamic.Interface, error) {
	config, err := kube.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 50, 300 // kubectl's own
	return dynamic.NewForConfig(config)
}

// namespaceOf is the namespace that kubectl's flags or the current context name; empty for all of them.
func namespaceOf(kube *genericclioptions.ConfigFlags, all bool) (string, error) {
	if all {
		return "", nil
	}
	namespace, _, err := kube.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}
