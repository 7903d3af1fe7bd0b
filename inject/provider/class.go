package provider

import (
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/internal/text"
)

// GeneratedPrefix begins the name of every class that akv-injector writes. The
// prefix is reserved: only volumes that akv-injector adds may name such a class.
const GeneratedPrefix = "akv-"

// hashChars of a SHA-256 in base32 are 130 bits. Other content with the same name cannot be
// found, so a class can be restored from a pod's status.
const hashChars = 26

// hashDigits are those of base32 in lower case, as names have to be. A hash has hashLength of them, padding included.
var hashDigits = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

const hashLength = (sha256.Size + 4) / 5 * 8

var generatedName = regexp.MustCompile(`^akv-[a-z0-9-]{3,24}-[a-z2-7]{26}$`)

// Class is the content of a generated SecretProviderClass, and the name derived from it.
type Class struct {
	Name       string            `json:"name"`
	Parameters map[string]string `json:"parameters"`
}

// newClass names parameters by their content: equal requests share a class, and a rollout
// that changes a request gets a new class while old pods keep theirs.
func newClass(parameters map[string]string) Class {
	return Class{Name: nameOf(parameters), Parameters: parameters}
}

// nameOf is akv-<vault, lower case>-<hash of the content>.
func nameOf(parameters map[string]string) string {
	// A map's keys are written in order: this is canonical.
	const usual = 512
	content := append(make([]byte, 0, usual), `{"provider":"`+ProviderAzure+`","parameters":`...)
	content = text.AppendJSONMap(content, parameters)
	content = append(content, '}')
	sum := sha256.Sum256(content)
	var hash [hashLength]byte
	hashDigits.Encode(hash[:], sum[:])
	return GeneratedPrefix + strings.ToLower(parameters[ParamVault]) + "-" + string(hash[:hashChars])
}

// Identity is how a generated class reaches the identity that reads the vault.
type Identity struct {
	ClientID, TenantID string
	// Binding is set if an identity binding of AKS gives the token, instead of a federated credential.
	Binding bool
}

// Generate is the class of one vault. It does not depend on the namespace, the pod or the
// order in which objects were written.
func Generate(vault string, objects []Object, identity Identity, cloud string) Class {
	parameters := map[string]string{
		ParamPodIdentity: "false",
		ParamVault:       vault,
		ParamClient:      strings.ToLower(identity.ClientID),
		ParamTenant:      strings.ToLower(identity.TenantID),
		ParamCloud:       CanonicalCloud(cloud),
		ParamObjects:     writeObjects(objects),
	}
	// Only then: the names of all other classes stay what they are.
	if identity.Binding {
		parameters[ParamTokenProxy] = "true"
	}
	return newClass(parameters)
}

// Verified reports whether the content hashes to the name and is of the kind that
// akv-injector generates. Any user can compute a hash, so without the second check a pod's
// status could request parameters that no plan has, such as the node's identity.
func (c Class) Verified() bool {
	return c.Name == nameOf(c.Parameters) && c.generatedKind()
}

func (c Class) generatedKind() bool {
	for k := range c.Parameters {
		switch k {
		case ParamVault, ParamClient, ParamTenant, ParamCloud, ParamObjects, ParamPodIdentity:
		case ParamTokenProxy:
			if c.Parameters[k] != "true" {
				return false
			}
		default:
			return false
		}
	}
	vault := c.Vault()
	return !VaultProblem(vault).Found() && vault == strings.ToLower(vault) &&
		!ClientIDProblem(c.Parameters[ParamClient]).Found() && !TenantProblem(c.Parameters[ParamTenant]).Found() &&
		!CloudProblem(c.Parameters[ParamCloud]).Found() && c.Parameters[ParamPodIdentity] == "false" &&
		len(classErrors(c.Parameters, nil)) == 0
}

// Vault is the Key Vault's name.
func (c Class) Vault() string { return c.Parameters[ParamVault] }

// Matches reports whether a stored class has this content. Its metadata is not compared.
func (c Class) Matches(spc *secretsstorev1.SecretProviderClass) bool {
	return spc.Spec.Provider == ProviderAzure && len(spc.Spec.SecretObjects) == 0 &&
		maps.Equal(spc.Spec.Parameters, c.Parameters)
}

// Object is the class as it is created in the namespace.
func (c Class) Object(namespace string) *secretsstorev1.SecretProviderClass {
	return &secretsstorev1.SecretProviderClass{
		TypeMeta: metav1.TypeMeta{
			APIVersion: secretsstorev1.SchemeGroupVersion.String(),
			Kind:       "SecretProviderClass",
		},
		ObjectMeta: metav1.ObjectMeta{
			Name:      c.Name,
			Namespace: namespace,
			Labels:    map[string]string{annotation.LabelManagedBy: annotation.ManagedBy},
		},
		Spec: secretsstorev1.SecretProviderClassSpec{
			Provider:   ProviderAzure,
			Parameters: maps.Clone(c.Parameters),
		},
	}
}

// Reserved reports whether a class name has the reserved prefix.
func Reserved(name string) bool { return strings.HasPrefix(name, GeneratedPrefix) }

// Generated reports whether a class name has the form of the generated ones.
func Generated(name string) bool { return generatedName.MatchString(name) }
