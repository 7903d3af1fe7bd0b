package rights_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/injector"
)

// role is a ClusterRole or a Role of our account.
type role struct {
	object client.Object
	// rules are those that are installed.
	rules []rbacv1.PolicyRule
}

// rolesOf are the roles that bindings give our account.
func rolesOf(t *testing.T, api client.Client) (roles []role) {
	t.Helper()
	ours := func(subjects []rbacv1.Subject) bool {
		return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool {
			return s.Kind == rbacv1.ServiceAccountKind && s.Namespace == injector.Namespace && s.Name == injector.ServiceAccount
		})
	}
	add := func(namespace string, ref rbacv1.RoleRef) {
		key := client.ObjectKey{Namespace: namespace, Name: ref.Name}
		if ref.Kind == "ClusterRole" {
			found := &rbacv1.ClusterRole{}
			check(t, api.Get(t.Context(), client.ObjectKey{Name: ref.Name}, found))
			roles = append(roles, role{found, found.Rules})
			return
		}
		found := &rbacv1.Role{}
		check(t, api.Get(t.Context(), key, found))
		roles = append(roles, role{found, found.Rules})
	}
	var everywhere rbacv1.ClusterRoleBindingList
	check(t, api.List(t.Context(), &everywhere))
	for i := range everywhere.Items {
		if b := &everywhere.Items[i]; ours(b.Subjects) {
			add("", b.RoleRef)
		}
	}
	var within rbacv1.RoleBindingList
	check(t, api.List(t.Context(), &within))
	for i := range within.Items {
		if b := &within.Items[i]; ours(b.Subjects) {
			add(b.Namespace, b.RoleRef)
		}
	}
	return roles
}

// granted are all rights of the roles, sorted.
func granted(roles []role) []string {
	all := map[string]bool{}
	for _, r := range roles {
		for _, single := range singles(r.rules) {
			all[nameOf(&single)] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// singles are the same rules with one verb, group and resource each.
func singles(rules []rbacv1.PolicyRule) (all []rbacv1.PolicyRule) {
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, rbacv1.PolicyRule{
						APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{verb}, ResourceNames: rule.ResourceNames,
					})
				}
			}
		}
	}
	return all
}

func nameOf(single *rbacv1.PolicyRule) string {
	resource, subresource, _ := strings.Cut(single.Resources[0], "/")
	return rightOf(single.Verbs[0], single.APIGroups[0], resource, subresource)
}

// leave gives the account all rights of its roles but some.
func leave(t *testing.T, api client.Client, roles []role, taken ...string) {
	t.Helper()
	for _, r := range roles {
		left := slices.DeleteFunc(singles(r.rules), func(single rbacv1.PolicyRule) bool { return slices.Contains(taken, nameOf(&single)) })
		key := client.ObjectKeyFromObject(r.object)
		meta := metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}
		var write client.Object = &rbacv1.Role{ObjectMeta: meta, Rules: left}
		if _, everywhere := r.object.(*rbacv1.ClusterRole); everywhere {
			write = &rbacv1.ClusterRole{ObjectMeta: meta, Rules: left}
		}
		check(t, api.Update(t.Context(), write))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
