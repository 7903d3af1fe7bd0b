package templates

import (
	"strings"
	"testing"

	authorization "github.com/Azure/azure-service-operator/v2/api/authorization/v1api20220401"
	managedidentity "github.com/Azure/azure-service-operator/v2/api/managedidentity/v1api20230131"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// The operator's own types, with no field that they do not have, what they want, and references that lead somewhere.
func TestServiceOperator(t *testing.T) {
	each(t, "aso", func(t *testing.T, text string) {
		t.Helper()
		known := map[string]bool{}
		var wanted []string
		kinds := map[string]int{}
		for document := range strings.SplitSeq(text, "\n---\n") {
			if strings.HasPrefix(document, "#") {
				continue
			}
			var meta struct{ Kind string }
			if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
				t.Fatal(err)
			}
			kinds[meta.Kind]++
			var object client.Object
			switch meta.Kind {
			case "UserAssignedIdentity":
				object = &managedidentity.UserAssignedIdentity{}
			case "FederatedIdentityCredential":
				object = &managedidentity.FederatedIdentityCredential{}
			case "RoleAssignment":
				object = &authorization.RoleAssignment{}
			}
			if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
				t.Errorf("%s: %v", meta.Kind, err)
				continue
			}
			home := object.GetNamespace() + "/"
			if object.GetNamespace() == "" || len(validation.IsDNS1123Subdomain(object.GetName())) > 0 || known[meta.Kind+home+object.GetName()] {
				t.Errorf("%s %s%s: not a name, or there twice", meta.Kind, home, object.GetName())
			}
			known[meta.Kind+home+object.GetName()] = true
			switch o := object.(type) {
			case *managedidentity.UserAssignedIdentity:
				if s := o.Spec; s.AzureName == "" || s.Location == nil || s.Owner == nil || !strings.HasPrefix(s.Owner.ARMID, "/subscriptions/"+subscription+"/resourceGroups/") {
					t.Errorf("%+v", s)
				}
				for _, c := range []*struct{ Name, Key string }{{o.Spec.OperatorSpec.ConfigMaps.PrincipalId.Name, o.Spec.OperatorSpec.ConfigMaps.PrincipalId.Key}} {
					known["ConfigMap"+home+c.Name+c.Key] = true
				}
			case *managedidentity.FederatedIdentityCredential:
				if s := o.Spec; len(s.Audiences) != 1 || s.Issuer == nil || s.Subject == nil || s.Owner == nil {
					t.Errorf("%+v", s)
				}
				wanted = append(wanted, "UserAssignedIdentity"+home+o.Spec.Owner.Name)
			case *authorization.RoleAssignment:
				s := o.Spec
				if s.Owner == nil || !strings.Contains(s.Owner.ARMID, "/providers/Microsoft.KeyVault/vaults/") || s.RoleDefinitionReference == nil || s.AzureName == "" {
					t.Errorf("%+v", s)
				}
				wanted = append(wanted, "ConfigMap"+home+s.PrincipalIdFromConfig.Name+s.PrincipalIdFromConfig.Key)
			}
		}
		if kinds["UserAssignedIdentity"] == 0 || kinds["RoleAssignment"] == 0 {
			t.Errorf("%v", kinds)
		}
		for _, reference := range wanted {
			if !known[reference] {
				t.Errorf("%s is not there", reference)
			}
		}
	})
}
