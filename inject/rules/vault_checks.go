package rules

import (
	"fmt"
	"strings"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
)

// VaultObjects returns the objects to query in the vaults.
func (p *Pod) VaultObjects() []facts.VaultObject {
	p.findVaultChecks()
	return p.vaults.objects
}

// VaultObjects returns the objects to query in the vault.
func (c *Class) VaultObjects() []facts.VaultObject {
	checks := c.vaultChecks()
	return checks.objects
}

// findVaultChecks collects the objects to check, once.
func (p *Pod) findVaultChecks() {
	if p.vaults == nil {
		checks := p.vaultChecks()
		p.vaults = &checks
	}
}

// maxVaultObjects is the maximum number of objects to query for one pod, template or class.
const maxVaultObjects = 100

// vaultCheck is an object to check, and where it was named.
type vaultCheck struct {
	object facts.VaultObject
	// name as written, in its own case.
	name string
	path *finding.Place
	// volume whose class names the object, or nil if an annotation or a class without a pod does.
	volume *Volume
	// because is why the vault may not be queried, or empty, and fix is how to fix that.
	because, fix string
}

// vaultChecks returns the objects to check.
func (p *Pod) vaultChecks() vaultCheckList {
	l := vaultCheckList{policy: p.Policy}
	if !p.Policy.ChecksVaults() {
		return l
	}
	l.expected = p.countObjects()
	if p.Request.Asks {
		for _, m := range p.Request.Mounts {
			if m.Class == "" && m.Complete && m.Vault != "" && p.Request.Cloud.Value != "" {
				for _, o := range m.Objects {
					l.add(p.Request.Cloud.Value, m.Vault, o, m.FieldPath, nil)
				}
			}
		}
	}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if !v.ByHand() || len(v.Errors) > 0 {
			continue
		}
		for _, o := range v.Objects {
			l.addOfClass(v.Parameters, o, v.classPlace(), v)
		}
	}
	return l
}

// vaultChecks returns the objects of a class to check.
func (c *Class) vaultChecks() vaultCheckList {
	l := vaultCheckList{policy: c.Policy}
	if !c.Policy.ChecksVaults() || !c.Azure() || len(c.Errors) > 0 {
		return l
	}
	l.expected = len(c.Objects)
	for i, o := range c.Objects {
		l.addOfClass(c.Spec.Parameters, o, c.objectPlace(i, "objectName"), nil)
	}
	return l
}

// vaultCheckList collects checks, and the objects to query for them.
type vaultCheckList struct {
	policy  *policy.Policy
	checks  []vaultCheck
	objects []facts.VaultObject
	seen    map[facts.VaultObject]bool
	// expected is the largest possible number of checks, so that space is allocated once.
	expected int
}

// countObjects returns the largest possible number of objects to check.
func (p *Pod) countObjects() int {
	n := 0
	for i := range p.Request.Mounts {
		n += len(p.Request.Mounts[i].Objects)
	}
	for i := range p.Volumes {
		n += len(p.Volumes[i].Objects)
	}
	return n
}

func (l *vaultCheckList) addOfClass(parameters map[string]string, o provider.Object, path *finding.Place, v *Volume) {
	vault, cloud := strings.TrimSpace(parameters[provider.ParamVault]), strings.TrimSpace(parameters[provider.ParamCloud])
	// AKV008 reports what the provider cannot use.
	if provider.VaultProblem(vault).Found() || cloud != "" && provider.CloudProblem(cloud).Found() {
		return
	}
	if strings.TrimSpace(parameters[provider.ParamCloudFile]) != "" {
		l.checks = append(l.checks, vaultCheck{
			object: facts.NewVaultObject(cloud, vault, o), name: o.Name, path: path, volume: v,
			because: "the file " + provider.ParamCloudFile + " on the nodes defines the vault's address",
			fix:     "Check the object by other means.",
		})
		return
	}
	l.add(cloud, vault, o, path, v)
}

func (l *vaultCheckList) add(cloud, vault string, o provider.Object, path *finding.Place, v *Volume) {
	// AKV018 reports a vault outside the fence, and AKV004 a version called "latest".
	if !l.policy.Fence.Allows(vault) || o.Version == provider.LatestVersion {
		return
	}
	c := vaultCheck{object: facts.NewVaultObject(cloud, vault, o), name: o.Name, path: path, volume: v}
	switch {
	case !l.policy.Fence.IsSet():
		c.because = "the namespace has no " + annotation.AllowedVaults
		c.fix = "Name the namespace's vaults in its " + annotation.AllowedVaults + ", or set " + annotation.VaultChecks + ": off."
	case !l.ask(c.object):
		c.because = fmt.Sprintf("at most %d objects are queried", maxVaultObjects)
		c.fix = "Name fewer objects."
	}
	if l.checks == nil {
		l.checks = make([]vaultCheck, 0, l.expected)
	}
	l.checks = append(l.checks, c)
}

// ask adds an object to those to query, each once. It reports false if there are too many
// already.
func (l *vaultCheckList) ask(o facts.VaultObject) bool {
	if l.seen[o] {
		return true
	}
	if len(l.objects) >= maxVaultObjects {
		return false
	}
	if l.seen == nil {
		room := min(l.expected, maxVaultObjects)
		l.seen, l.objects = make(map[facts.VaultObject]bool, room), make([]facts.VaultObject, 0, room)
	}
	l.seen[o] = true
	l.objects = append(l.objects, o)
	return true
}
