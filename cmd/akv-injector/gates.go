package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/controller/mounted"
	"akv-injector/controller/podstatus"
)

// openGatesTimeout is for all pods of the cluster.
const openGatesTimeout = 10 * time.Minute

// openGates opens the readiness gates of all pods.
func openGates(ctx context.Context, o options, log logr.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, openGatesTimeout)
	defer cancel()
	config, err := restConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	opened, err := mounted.OpenAll(ctx, c, podstatus.Writer{Client: c.Status()}, time.Now)
	log.Info("readiness gates were opened", "pods", opened)
	return err
}
