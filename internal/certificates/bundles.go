package certificates

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// fieldManager is who owns the caBundles. Tools that keep the rest of the webhook configurations as it is written do not see them as theirs.
const fieldManager = "akv-injector-certificates"

// configuration is a webhook configuration of either kind.
type configuration struct {
	kind string
	// bundles of the webhooks, by their names.
	bundles map[string][]byte
	patch   func(ctx context.Context, patch []byte) error
}

// configurations are ours, as the API server has them now. One that is missing is left out: nobody is called by it.
func configurations(ctx context.Context, client kubernetes.Interface, name string) ([]configuration, error) {
	api := client.AdmissionregistrationV1()
	var all []configuration
	options := metav1.PatchOptions{FieldManager: fieldManager, Force: new(true)}
	mutating, err := api.MutatingWebhookConfigurations().Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		c := configuration{kind: "MutatingWebhookConfiguration", bundles: map[string][]byte{}, patch: func(ctx context.Context, patch []byte) error {
			_, err := api.MutatingWebhookConfigurations().Patch(ctx, name, types.ApplyPatchType, patch, options)
			return err
		}}
		for i := range mutating.Webhooks {
			c.bundles[mutating.Webhooks[i].Name] = mutating.Webhooks[i].ClientConfig.CABundle
		}
		all = append(all, c)
	case !apierrors.IsNotFound(err):
		return nil, err
	}
	validating, err := api.ValidatingWebhookConfigurations().Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		c := configuration{kind: "ValidatingWebhookConfiguration", bundles: map[string][]byte{}, patch: func(ctx context.Context, patch []byte) error {
			_, err := api.ValidatingWebhookConfigurations().Patch(ctx, name, types.ApplyPatchType, patch, options)
			return err
		}}
		for i := range validating.Webhooks {
			c.bundles[validating.Webhooks[i].Name] = validating.Webhooks[i].ClientConfig.CABundle
		}
		all = append(all, c)
	case !apierrors.IsNotFound(err):
		return nil, err
	}
	return all, nil
}

// whole reports whether every webhook has a bundle.
func (c *configuration) whole(bundle []byte) bool {
	for _, has := range c.bundles {
		if !bytes.Equal(has, bundle) {
			return false
		}
	}
	return true
}

// write gives every webhook a bundle, and changes nothing else.
func (c *configuration) write(ctx context.Context, name string, bundle []byte) error {
	type client struct {
		CABundle []byte `json:"caBundle"`
	}
	type webhook struct {
		Name         string `json:"name"`
		ClientConfig client `json:"clientConfig"`
	}
	names := make([]string, 0, len(c.bundles))
	for n := range c.bundles {
		names = append(names, n)
	}
	slices.Sort(names)
	apply := struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Webhooks []webhook `json:"webhooks"`
	}{TypeMeta: metav1.TypeMeta{APIVersion: admissionregistrationv1.SchemeGroupVersion.String(), Kind: c.kind}}
	apply.Metadata.Name = name
	for _, n := range names {
		apply.Webhooks = append(apply.Webhooks, webhook{n, client{bundle}})
	}
	patch, err := json.Marshal(apply)
	if err != nil {
		return err
	}
	if err := c.patch(ctx, patch); err != nil {
		return fmt.Errorf("writing the CAs into the %s %s: %w", c.kind, name, err)
	}
	return nil
}

// strangers are the CAs in webhook configurations that are not in the bundle and may be needed still: those that somebody else wrote, such as
// cert-manager's while replicas serve its certificates, and those that may have signed what is served.
func (s *state) strangers(all []configuration, now time.Time) []byte {
	known := map[string]bool{}
	bundled, err := parseCerts(s.bundle())
	if err != nil {
		return nil // it is ours
	}
	for _, c := range bundled {
		known[string(c.Raw)] = true
	}
	var found []byte
	for _, configuration := range all {
		for _, has := range configuration.bundles {
			certs, err := parseCerts(has)
			if err != nil {
				continue // nobody could be trusted by it
			}
			for _, c := range certs {
				if known[string(c.Raw)] || now.After(c.NotAfter) || !s.needed(c) {
					continue
				}
				known[string(c.Raw)] = true
				found = append(found, pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw})...)
			}
		}
	}
	return found
}

func (s *state) needed(c *x509.Certificate) bool {
	ours := strings.HasPrefix(c.Subject.CommonName, caName)
	// Without a certificate in the Secret, replicas serve one that has been there.
	return !ours || s.leaf == nil || s.leaf.cert.CheckSignatureFrom(c) == nil
}

// adopt keeps strangers for a while.
func (was *state) adopt(strangers []byte, now time.Time) state {
	s := *was
	s.old = lastCerts(slices.Concat(s.old, strangers), mostOld)
	s.oldSince = now
	return s
}

var errConflict = errors.New("somebody else changed the Secret; looking again")
