package injector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"akv-injector/e2e/build"
)

// Manifests reads deploy/install.yaml: everything that users apply.
func Manifests() ([]*unstructured.Unstructured, error) {
	root, err := build.Root()
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(root, "deploy", "install.yaml"))
	if err != nil {
		return nil, err
	}
	return Decode(content)
}

// Decode reads the objects of a text of one or more YAML documents.
func Decode(content []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		u := &unstructured.Unstructured{}
		err := decoder.Decode(&u.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(u.Object) > 0 {
			objects = append(objects, u)
		}
	}
}

// silence gives the client's library the logger that it asks for, and otherwise
// complains about on standard error. Tests apply side by side, and setting it is not
// safe for that.
var silence = sync.OnceFunc(func() { log.SetLogger(logr.Discard()) })

// Apply applies objects as `kubectl apply --server-side` does.
func Apply(ctx context.Context, config *rest.Config, objects ...*unstructured.Unstructured) error {
	silence()
	c, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	for _, o := range objects {
		err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()), client.FieldOwner("e2e"), client.ForceOwnership)
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return nil
}

// CallByURL points every webhook of a configuration at a URL instead of at the
// Service, and gives it the CA of the run.
func CallByURL(configuration *unstructured.Unstructured, base string, ca []byte) error {
	webhooks, _, err := unstructured.NestedSlice(configuration.Object, "webhooks")
	if err != nil {
		return err
	}
	for _, w := range webhooks {
		webhook := w.(map[string]any)
		path, _, err := unstructured.NestedString(webhook, "clientConfig", "service", "path")
		if err != nil {
			return err
		}
		webhook["clientConfig"] = map[string]any{"url": base + path}
		if ca != nil {
			webhook["clientConfig"] = map[string]any{"url": base + path, "caBundle": encode(ca)}
		}
	}
	annotations := configuration.GetAnnotations()
	delete(annotations, "cert-manager.io/inject-ca-from")
	configuration.SetAnnotations(annotations)
	return unstructured.SetNestedSlice(configuration.Object, webhooks, "webhooks")
}

// setTimeout gives every webhook of a configuration the timeout, unless that is 0.
func setTimeout(configuration *unstructured.Unstructured, timeout time.Duration) error {
	webhooks, _, err := unstructured.NestedSlice(configuration.Object, "webhooks")
	if err != nil || timeout == 0 {
		return err
	}
	for _, w := range webhooks {
		w.(map[string]any)["timeoutSeconds"] = int64(timeout / time.Second)
	}
	return unstructured.SetNestedSlice(configuration.Object, webhooks, "webhooks")
}

// isWebhookConfiguration tells the two kinds of configurations from the rest.
func isWebhookConfiguration(o *unstructured.Unstructured) bool {
	return o.GetKind() == "MutatingWebhookConfiguration" || o.GetKind() == "ValidatingWebhookConfiguration"
}
