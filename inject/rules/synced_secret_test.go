package rules

import (
	"testing"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
)

func TestSyncedSecret(t *testing.T) {
	synced := func(secret, kind string, data ...*secretsstorev1.SecretObjectData) []*secretsstorev1.SecretObject {
		return []*secretsstorev1.SecretObject{{SecretName: secret, Type: kind, Data: data}}
	}
	from := func(object, key string) *secretsstorev1.SecretObjectData {
		return &secretsstorev1.SecretObjectData{ObjectName: object, Key: key}
	}
	const (
		secret = "{objectName: db, objectType: secret}"
		alias  = "{objectName: db, objectType: secret, objectAlias: PASSWORD}"
		kept   = "{objectName: db, objectType: secret, objectVersionHistory: 2}"
		cert   = "{objectName: tls, objectType: cert}"
		key    = "{objectName: tls, objectType: key}"
		pair   = "{objectName: tls, objectType: secret}"
		tls    = "kubernetes.io/tls"
	)
	for name, test := range map[string]struct {
		object  string
		objects []*secretsstorev1.SecretObject
		want    []string
	}{
		"by name":                     {secret, synced("s", "Opaque", from("db", "password")), nil},
		"with spaces":                 {secret, synced("s", "Opaque", from(" db ", " password ")), nil},
		"by alias":                    {alias, synced("s", "Opaque", from("PASSWORD", "password")), nil},
		"a version of several":        {kept, synced("s", "Opaque", from("db/1", "password")), nil},
		"a TLS pair":                  {pair, synced("s", tls, from("tls", "tls.crt"), from("tls", "tls.key")), nil},
		"nothing":                     {secret, nil, nil},
		"nil":                         {secret, []*secretsstorev1.SecretObject{nil, {SecretName: "s", Type: "Opaque", Data: []*secretsstorev1.SecretObjectData{nil, from("db", "k")}}}, nil},
		"a class that cannot be read": {"nothing of the sort", synced("s", "Opaque", from("other", "k")), nil},

		"the object instead of its alias": {alias, synced("s", "Opaque", from("db", "password")), []string{"secretObjects[0].data[0].objectName"}},
		"the folder of several versions":  {kept, synced("s", "Opaque", from("db", "password")), []string{"secretObjects[0].data[0].objectName"}},
		"no such file":                    {secret, synced("s", "Opaque", from("other", "password")), []string{"secretObjects[0].data[0].objectName"}},
		"no name":                         {secret, synced("", "Opaque", from("db", "password")), []string{"secretObjects[0].secretName"}},
		"no type and data":                {secret, synced("s", ""), []string{"secretObjects[0].data", "secretObjects[0].type"}},
		"empty data":                      {secret, synced("s", "Opaque", from("", "")), []string{"secretObjects[0].data[0].key", "secretObjects[0].data[0].objectName"}},
		"a private key of a cert":         {cert, synced("s", tls, from("tls", "tls.crt"), from("tls", "tls.key")), []string{"secretObjects[0].data[1].objectName"}},
		"parts of a key":                  {key, synced("s", tls, from("tls", "tls.crt"), from("tls", "tls.key")), []string{"secretObjects[0].data[0].objectName", "secretObjects[0].data[1].objectName"}},
		"half a pair":                     {pair, synced("s", tls, from("tls", "tls.crt")), []string{"secretObjects[0].data"}},
		"another key in a TLS Secret":     {pair, synced("s", tls, from("tls", "tls.crt"), from("tls", "tls.key"), from("tls", "ca.crt")), []string{"secretObjects[0].data[2].key"}},

		"no name of Kubernetes":      {secret, synced("DB_1", "Opaque", from("db", "k")), []string{"secretObjects[0].secretName"}},
		"no key of Kubernetes":       {secret, synced("s", "Opaque", from("db", "a key")), []string{"secretObjects[0].data[0].key"}},
		"a key twice":                {secret, synced("s", "Opaque", from("db", "k"), from("db", " k")), []string{"secretObjects[0].data[1].key"}},
		"a Secret twice":             {secret, append(synced("s", "Opaque", from("db", "k")), synced("s", "Opaque", from("db", "l"))...), []string{"secretObjects[1].secretName"}},
		"a type in other letters":    {secret, synced("s", "kubernetes.io/TLS", from("db", "tls.crt")), []string{"secretObjects[0].type"}},
		"a type without its prefix":  {secret, synced("s", "tls", from("db", "tls.crt")), []string{"secretObjects[0].type"}},
		"opaque":                     {secret, synced("s", "opaque", from("db", "k")), nil},
		"a type of somebody else":    {secret, synced("s", "example.com/token", from("db", "k")), nil},
		"a registry without its key": {secret, synced("s", "kubernetes.io/dockerconfigjson", from("db", "dockerconfigjson")), []string{"secretObjects[0].data"}},
		"a registry":                 {secret, synced("s", "kubernetes.io/dockerconfigjson", from("db", ".dockerconfigjson")), nil},
		"a password alone":           {secret, synced("s", "kubernetes.io/basic-auth", from("db", "password")), nil},
		"neither name nor password":  {secret, synced("s", "kubernetes.io/basic-auth", from("db", "pass")), []string{"secretObjects[0].data"}},
		"a token of no account":      {secret, synced("s", "kubernetes.io/service-account-token", from("db", "token")), []string{"secretObjects[0].annotations[kubernetes.io/service-account.name]"}},
		"a label that is none":       {secret, []*secretsstorev1.SecretObject{{SecretName: "s", Type: "Opaque", Labels: map[string]string{"a": "b c"}, Data: []*secretsstorev1.SecretObjectData{from("db", "k")}}}, []string{"secretObjects[0].labels[a]"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRuled()
			r.Object(test.object)
			r.Class.Spec.SecretObjects = test.objects
			var got []string
			for _, f := range finding.Sort(classFindings(r)) {
				if f.Rule == "AKV023" {
					got = append(got, f.Place.String())
				}
			}
			if len(got) != len(test.want) {
				t.Fatalf("want %v, got %v", test.want, got)
			}
			for i := range got {
				if got[i] != "spec."+test.want[i] {
					t.Errorf("want %v, got %v", test.want, got)
				}
			}
		})
	}
}
