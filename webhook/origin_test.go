package webhook

import (
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/workload"
)

func TestOriginOf(t *testing.T) {
	replicaSet := metav1.OwnerReference{Kind: "ReplicaSet", Name: "x", Controller: new(true)}
	owner := metav1.OwnerReference{Kind: "ReplicaSet", Name: "x"}
	cases := map[string]struct {
		user   string
		groups []string
		owners []metav1.OwnerReference
		want   workload.Origin
	}{
		"a person":                         {user: "jane", groups: []string{"system:masters"}, want: workload.FromUser},
		"a person's word":                  {user: "jane", groups: []string{"system:masters"}, owners: []metav1.OwnerReference{replicaSet}, want: workload.FromUser},
		"a user who looks like an account": {user: "system:serviceaccount:kube-system:x", owners: []metav1.OwnerReference{replicaSet}, want: workload.FromUser},
		"an account without reference":     {groups: []string{"system:serviceaccounts"}, want: workload.FromUser},
		"an owner that is no controller":   {groups: []string{"system:serviceaccounts"}, owners: []metav1.OwnerReference{owner}, want: workload.FromUser},
		"somebody's controller":            {groups: []string{"system:serviceaccounts", "system:serviceaccounts:argo"}, owners: []metav1.OwnerReference{replicaSet}, want: workload.FromController},
		"a namespace like kube-system":     {groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system2"}, owners: []metav1.OwnerReference{replicaSet}, want: workload.FromController},
		"kube-system":                      {user: "system:serviceaccount:kube-system:replicaset-controller", groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system"}, owners: []metav1.OwnerReference{owner, replicaSet}, want: workload.FromBuiltinController},
		"kube-system without reference":    {groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system"}, want: workload.FromUser},
		"an operator in kube-system":       {user: "system:serviceaccount:kube-system:keda-operator", groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system"}, owners: []metav1.OwnerReference{replicaSet}, want: workload.FromController},
		"a controller's name elsewhere":    {user: "system:serviceaccount:kube-system2:job-controller", groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system2"}, owners: []metav1.OwnerReference{replicaSet}, want: workload.FromController},
		"a name without its group":         {user: "system:serviceaccount:kube-system:job-controller", owners: []metav1.OwnerReference{replicaSet}, want: workload.FromUser},
		"kube-controller-manager":          {user: "system:kube-controller-manager", owners: []metav1.OwnerReference{replicaSet}, want: workload.FromBuiltinController},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{OwnerReferences: c.owners}}
			if got := originOf(authenticationv1.UserInfo{Username: c.user, Groups: c.groups}, pod); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}
