package controlplane

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// User is a user that the API server knows by a client certificate.
type User struct {
	Config     *rest.Config
	Kubeconfig string // path
}

// User makes credentials for a user of that name in those groups. It may do what
// RBAC lets it, which at first is what any authenticated user may.
func (cp *ControlPlane) User(name string, groups ...string) (*User, error) {
	file := userFile(name, groups)
	pair, err := cp.authority.client(file, name, groups...)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", name, err)
	}
	kubeconfig := filepath.Join(cp.authority.dir, file+".kubeconfig")
	if err := clientcmd.WriteToFile(cp.kubeconfig(name, pair), kubeconfig); err != nil {
		return nil, fmt.Errorf("kubeconfig for %s: %w", name, err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig for %s: %w", name, err)
	}
	config.QPS = -1 // tests measure the server, not the client's own throttle
	return &User{Config: config, Kubeconfig: kubeconfig}, nil
}

func (cp *ControlPlane) kubeconfig(user string, pair *KeyPair) clientcmdapi.Config {
	const name = "e2e"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: cp.Issuer, CertificateAuthorityData: cp.authority.pem}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.Cert, ClientKeyData: pair.Key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user}
	config.CurrentContext = name
	return *config
}

// userFile names a user's files: readable, and different for different groups.
func userFile(name string, groups []string) string {
	readable := strings.Map(func(r rune) rune {
		if strings.ContainsRune("/:\\ ", r) {
			return '-'
		}
		return r
	}, name)
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", name, groups))
	return fmt.Sprintf("user-%.40s-%s", readable, hex.EncodeToString(sum[:4]))
}
