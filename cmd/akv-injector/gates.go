package main

import (
	"context"
	"time"

	"github.com/go-logr/logr"

	"akv-injector/controller/mounted"
	"akv-injector/controller/podstatus"
)

// openGatesTimeout is for all pods of the cluster.
const openGatesTimeout = 10 * time.Minute

// openGates opens the readiness gates of all pods.
func openGates(ctx context.Context, o options, log logr.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, openGatesTimeout)
	defer cancel()
	c, err := newClient(o.kubeconfig)
	if err != nil {
		return err
	}
	opened, err := mounted.OpenAll(ctx, c, podstatus.Writer{Client: c.Status()}, time.Now)
	log.Info("readiness gates were opened", "pods", opened)
	return err
}
