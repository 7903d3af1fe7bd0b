package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/internal/serving"
)

// newScheme has the API server's own kinds and the CSI driver's classes.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, secretsstorev1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme: %w", err)
		}
	}
	return scheme, nil
}

// newClient reads and writes without a cache, for what ends by itself.
func newClient(kubeconfig string) (client.Client, error) {
	config, err := restConfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return c, nil
}

// restConfig says how to reach the API server.
func restConfig(kubeconfig string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("no way to the API server: give --kubeconfig, or run in a pod with a service account token: %w", err)
	}
	config.UserAgent = "akv-injector/" + version
	// No limit of our own on calls per second. The API server has a fair one (API
	// Priority and Fairness), and a lookup that waits in a queue of ours would only use
	// up the few seconds that a pod's admission may take.
	config.QPS = -1
	config.Dial = serving.Dial
	return config, nil
}

// clusterRetry is how long to wait between attempts to reach the API server, and
// clusterTimeout how long for one answer.
const (
	clusterRetry   = 2 * time.Second
	clusterTimeout = 10 * time.Second
)

// askVersion makes the cheapest call that needs a connection and a valid identity.
func askVersion(config *rest.Config) func(context.Context) error {
	return func(ctx context.Context) error {
		limited := rest.CopyConfig(config)
		limited.Timeout = clusterTimeout
		d, err := discovery.NewDiscoveryClientForConfig(limited)
		if err != nil {
			return err
		}
		_, err = d.ServerVersionWithContext(ctx)
		return err
	}
}

// How often the API server and the class CRD are asked for, and how long they may be away. A
// restart or an upgrade of the API server must not make every replica unready: pods that ask
// would be refused until the probes have passed again.
const (
	reachEvery    = 5 * time.Second
	reachPatience = time.Minute
	// crdPatience is short: without the CRD pods that ask are refused anyway.
	crdPatience = 10 * time.Second
)

// askClassCRD asks whether the API server serves SecretProviderClasses.
func askClassCRD(config *rest.Config) func(context.Context) error {
	return func(ctx context.Context) error {
		d, err := discovery.NewDiscoveryClientForConfig(config)
		if err != nil {
			return err
		}
		var list metav1.APIResourceList
		err = d.RESTClient().Get().AbsPath("/apis", secretsstorev1.SchemeGroupVersion.String()).Do(ctx).Into(&list)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil // the check of the API server itself reports it
		}
		// The group has other kinds, which may stay when this one goes.
		for i := range list.APIResources {
			if list.APIResources[i].Kind == "SecretProviderClass" {
				return nil
			}
		}
		return fmt.Errorf("the API server does not serve SecretProviderClasses of %s; install the Secrets Store CSI driver's CRDs", secretsstorev1.SchemeGroupVersion)
	}
}

// ownServiceAccount is the user name that the API server knows us by, if it is a
// service account's. A person's (with a kubeconfig, while developing) is not ours
// alone.
func ownServiceAccount(ctx context.Context, c client.Client) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, clusterTimeout)
	defer cancel()
	review := &authenticationv1.SelfSubjectReview{}
	if err := c.Create(ctx, review); err != nil {
		return "", fmt.Errorf("asking the API server who we are: %w", err)
	}
	if user := review.Status.UserInfo.Username; strings.HasPrefix(user, "system:serviceaccount:") {
		return user, nil
	}
	return "", nil
}
