package facts_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// cluster returns the objects that it has, or the error for a name.
type cluster struct {
	facts.Partial
	has    map[string]bool
	errs   map[string]error
	asked  []string
	driver *provider.Driver
}

func (c *cluster) ask(what string) (bool, error) {
	c.asked = append(c.asked, what)
	return c.has[what], c.errs[what]
}

func (c *cluster) ServiceAccount(_ context.Context, name string) (*corev1.ServiceAccount, error) {
	if ok, err := c.ask("account " + name); !ok || err != nil {
		return nil, err
	}
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil
}

func (c *cluster) Class(_ context.Context, name string) (*secretsstorev1.SecretProviderClass, error) {
	if ok, err := c.ask("class " + name); !ok || err != nil {
		return nil, err
	}
	return &secretsstorev1.SecretProviderClass{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil
}

func (c *cluster) SyncedBy(_ context.Context, secrets []string) (map[string][]string, error) {
	by := map[string][]string{}
	for _, name := range secrets {
		ok, err := c.ask("secret " + name)
		if err != nil {
			return nil, err
		}
		if by[name] = nil; ok {
			by[name] = []string{"class"}
		}
	}
	return by, nil
}

func (c *cluster) CSIDriver(context.Context) (*storagev1.CSIDriver, error) {
	if ok, err := c.ask("csidriver"); !ok || err != nil {
		return nil, err
	}
	return &storagev1.CSIDriver{}, nil
}

func (c *cluster) Driver(context.Context) (*provider.Driver, error) {
	_, err := c.ask("driver")
	return c.driver, err
}

var everything = facts.Needs{ServiceAccounts: []string{"app", "none"}, Classes: []string{"own", "gone"}, CSIDriver: true}

// known is, for each name, whether the object exists, is absent or is not known.
func known(f *facts.Facts) map[string]string {
	k := map[string]string{}
	for _, name := range everything.ServiceAccounts {
		account, looked := f.ServiceAccounts[name]
		k["account "+name] = word(account != nil, looked)
	}
	for _, name := range everything.Classes {
		class, looked := f.Classes[name]
		k["class "+name] = word(class != nil, looked)
	}
	k["csidriver"] = word(f.CSIDriver != nil, f.CSIDriver != nil || f.NoCSIDriver)
	return k
}

func word(found, looked bool) string {
	switch {
	case found:
		return "exists"
	case looked:
		return "absent"
	}
	return "not known"
}

func TestGather(t *testing.T) {
	failed := errors.New("the API server is unavailable")
	for name, tc := range map[string]struct {
		errs    map[string]error
		want    map[string]string
		noCRD   bool
		wantErr error
	}{
		"existing and absent objects": {
			want: map[string]string{"account app": "exists", "account none": "absent", "class own": "exists", "class gone": "absent", "csidriver": "exists"},
		},
		"unknown objects": {
			errs: map[string]error{"account none": facts.ErrUnknown, "class gone": facts.ErrUnknown, "csidriver": facts.ErrUnknown, "driver": facts.ErrUnknown},
			want: map[string]string{"account app": "exists", "account none": "not known", "class own": "exists", "class gone": "not known", "csidriver": "not known"},
		},
		"no classes in the cluster": {
			errs:  map[string]error{"class own": facts.ErrNoClassCRD},
			want:  map[string]string{"account app": "exists", "account none": "absent", "class own": "not known", "class gone": "not known", "csidriver": "exists"},
			noCRD: true,
		},
		"a failed lookup": {errs: map[string]error{"account app": failed}, wantErr: failed},
		"a failed driver": {errs: map[string]error{"driver": failed}, wantErr: failed},
	} {
		t.Run(name, func(t *testing.T) {
			c := &cluster{has: map[string]bool{"account app": true, "class own": true, "csidriver": true}, errs: tc.errs}
			f, err := facts.Gather(t.Context(), c, nil, everything)
			if !errors.Is(err, tc.wantErr) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want, known(&f)); diff != "" || f.NoClassCRD != tc.noCRD {
				t.Errorf("no CRD is %v; (-want +got):\n%s", f.NoClassCRD, diff)
			}
		})
	}
}

// Known facts are not looked up again, including that an object does not exist.
func TestAddAsksOnce(t *testing.T) {
	c := &cluster{has: map[string]bool{"account app": true}}
	f, err := facts.Gather(t.Context(), c, nil, everything)
	if err != nil {
		t.Fatal(err)
	}
	first := len(c.asked)
	if err := f.Add(t.Context(), c, everything); err != nil || len(c.asked) != first {
		t.Errorf("asked again for %v, %v", c.asked[first:], err)
	}
}
