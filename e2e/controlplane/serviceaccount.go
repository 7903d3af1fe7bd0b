package controlplane

import (
	"context"
	"fmt"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ServiceAccountKubeconfig writes credentials of a service account, which must exist,
// and gives the file's path. They are a token, as a pod of it has, so that the RBAC of
// the account is all that a program started with it can do.
func (cp *ControlPlane) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) (string, error) {
	seconds := int64(validity.Seconds())
	token, err := cp.Client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token of the service account %s/%s: %w", namespace, name, err)
	}
	const key = "e2e"
	config := clientcmdapi.NewConfig()
	config.Clusters[key] = &clientcmdapi.Cluster{Server: cp.Issuer, CertificateAuthorityData: cp.authority.pem}
	config.AuthInfos[key] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts[key] = &clientcmdapi.Context{Cluster: key, AuthInfo: key}
	config.CurrentContext = key
	file := filepath.Join(cp.authority.dir, fmt.Sprintf("service-account-%s-%s.kubeconfig", namespace, name))
	return file, clientcmd.WriteToFile(*config, file)
}
