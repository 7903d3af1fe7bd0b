package injector

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"akv-injector/internal/certificates"
)

// AskForCertificate asks for a certificate ("leaf …") or a CA ("ca …") by the annotation, as docs/operations.md says.
func AskForCertificate(ctx context.Context, client kubernetes.Interface, what string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{certificates.AnnotationRotate: what}}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Secrets(Namespace).Patch(ctx, CertificateSecret, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
