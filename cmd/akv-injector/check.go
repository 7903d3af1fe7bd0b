package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/internal/text"
)

// A check creates pods as a dry run, as a user would, so that the whole way is taken: the API server, the webhook configurations, the CA, the
// Service and the replicas. Nothing is stored.

const (
	// checkTimeout is for an installation that becomes ready meanwhile.
	checkTimeout = 2 * time.Minute
	checkRetry   = 2 * time.Second
	checkOne     = 35 * time.Second // the longest that an API server waits for a webhook, and a moment
)

// checkInjection checks that pods of a namespace get what they ask for, and are refused what is wrong.
func checkInjection(ctx context.Context, o options, log logr.Logger) error {
	c, err := newClient(o.kubeconfig)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return (&checker{client.NewDryRunClient(c), o.checkNamespace, checkRetry, log}).run(ctx)
}

type checker struct {
	// pods creates nothing.
	pods      client.Writer
	namespace string
	retry     time.Duration
	log       logr.Logger
}

// run tries until all is well, or ctx ends.
func (c *checker) run(ctx context.Context) error {
	said := ""
	for {
		err := errors.Join(c.refuses(ctx), c.injects(ctx))
		if err == nil {
			c.log.Info("a pod that asks gets what it asks for, and one that is wrong is refused")
			return nil
		}
		line := text.Line(err.Error(), 2000)
		if line != said && ctx.Err() == nil {
			said = line
			c.log.Info("not yet", "reason", line)
		}
		select {
		case <-ctx.Done():
			if said == "" {
				said = line
			}
			return fmt.Errorf("pods of namespace %s do not get what they ask for: %s", c.namespace, said)
		case <-time.After(c.retry):
		}
	}
}

// refuses creates a pod with an annotation that is wrong.
func (c *checker) refuses(ctx context.Context) error {
	pod := c.asks(map[string]string{annotation.IdentityMode: "check"})
	err := c.create(ctx, pod)
	switch {
	case err == nil:
		return errors.New("a pod with a wrong annotation was admitted: the API server does not ask akv-injector. Fix: look at both webhook configurations akv-injector and at the namespace's labels")
	case strings.Contains(err.Error(), annotation.IdentityMode):
		return nil
	}
	return fmt.Errorf("a pod with a wrong annotation was refused for another reason: %w", err)
}

// injects creates a pod that asks for a secret. That a fence refuses its vault is an answer too.
func (c *checker) injects(ctx context.Context) error {
	pod := c.asks(nil)
	switch err := c.create(ctx, pod); {
	case err != nil && strings.Contains(err.Error(), inject.RuleVaultNotAllowed().ID):
		return nil
	case err != nil:
		return fmt.Errorf("a pod that asks for a secret was refused: %w", err)
	case pod.Labels[annotation.LabelInjected] != "true" || len(pod.Spec.Volumes) == 0:
		return errors.New("a pod that asks for a secret was admitted as it was. Fix: look at the MutatingWebhookConfiguration akv-injector and at the namespace's labels")
	}
	return nil
}

func (c *checker) create(ctx context.Context, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, checkOne)
	defer cancel()
	return c.pods.Create(ctx, pod)
}

// checkVault need not exist: the answer to a dry run comes from no vault.
const checkVault = "akv-injector-check"

func (c *checker) asks(more map[string]string) *corev1.Pod {
	const nobody = "00000000-0000-0000-0000-000000000001"
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "akv-injector-check-", Namespace: c.namespace, Annotations: map[string]string{
			annotation.Vault: checkVault, annotation.Objects: "check", annotation.ClientID: nobody, annotation.TenantID: nobody,
		}},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(65532)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "check", Image: "none",
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
	maps.Copy(pod.Annotations, more)
	return pod
}
