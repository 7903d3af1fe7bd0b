package convert

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/manifest"
)

// source is what a class gives: whose objects, and as whom.
type source struct {
	Vault, ClientID, TenantID, Cloud string
	// Binding is set if an identity binding of AKS gives the token.
	Binding bool
	Objects []provider.Object
}

// sourceOf reads a class as the provider does. Spellings that mean the same become one.
func sourceOf(class *secretsstorev1.SecretProviderClass) source {
	value := func(key string) string { return strings.TrimSpace(class.Spec.Parameters[key]) }
	s := source{
		Vault:    strings.ToLower(value(provider.ParamVault)),
		ClientID: strings.ToLower(value(provider.ParamClient)),
		TenantID: strings.ToLower(value(provider.ParamTenant)),
		Cloud:    provider.CanonicalCloud(value(provider.ParamCloud)),
	}
	if s.TenantID == "" {
		s.TenantID = strings.ToLower(value(provider.ParamTenantOld))
	}
	s.Binding = provider.IsOn(class.Spec.Parameters, provider.ParamTokenProxy)
	s.Objects, _, _ = classObjects(class)
	slices.SortStableFunc(s.Objects, func(a, b provider.Object) int { return strings.Compare(a.File(), b.File()) })
	return s
}

// classObjects are the objects of a class as the provider reads them, or else, healed, as the annotation does: it takes
// maps where the provider wants text, which is the commonest mistake of published examples.
func classObjects(class *secretsstorev1.SecretProviderClass) (objects []provider.Object, healed bool, errs finding.FieldErrors) {
	if objects, errs = provider.ClassObjects(class); len(errs) == 0 && len(objects) > 0 {
		return objects, false, nil
	}
	if read, wrong := provider.ParseObjects(class.Spec.Parameters[provider.ParamObjects], nil); len(wrong) == 0 && len(read) > 0 {
		return read, true, nil
	}
	return objects, false, errs
}

// checkClass finds what of a class no annotation says. The class's own mistakes are among
// it: what does not mount today has no equal.
func (c *conversion) checkClass(o *manifest.Object, class *secretsstorev1.SecretProviderClass) {
	if other := class.Spec.Provider; other != provider.ProviderAzure {
		c.problems.add(o, finding.At("spec", "provider"), fmt.Sprintf("The class %s is for the provider %q, and akv-injector mounts Azure Key Vault objects alone.", o.Name, other),
			"Keep this volume by hand; its pods rotate as before.")
		return
	}
	c.checkSynced(o, class)
	c.checkParameters(o, class)
	objects, healed, errs := classObjects(class)
	if healed {
		c.notes.add(o, finding.At("spec", "parameters", provider.ParamObjects),
			fmt.Sprintf("The objects of the class %s are no text that the provider can read, so it mounts nothing today; as annotations they are right.", o.Name),
			"The pods get these files for the first time: see that the program finds them.")
	}
	for _, e := range errs {
		c.problems.add(o, e.Place, fmt.Sprintf("The provider does not mount this: %s.", strings.TrimSuffix(e.Body(), ".")),
			"Correct the class first.")
	}
	for i, object := range objects {
		if object.Version != "" && len(errs) == 0 {
			c.problems.add(o, finding.At("spec", "parameters", "objects").Index(i).Child("objectVersion"),
				fmt.Sprintf("The %s %s is pinned to one version, which keeps it from rotating; akv-injector mounts the newest.", object.Type, object.Name),
				"Remove objectVersion once the pods may get the newest version, and convert again.")
		}
	}
}

// checkSynced names each Secret that the driver syncs, and what in the workload reads it:
// generated classes sync none.
func (c *conversion) checkSynced(o *manifest.Object, class *secretsstorev1.SecretProviderClass) {
	for i, secret := range class.Spec.SecretObjects {
		if secret == nil {
			continue
		}
		c.problems.add(o, finding.At("spec", "secretObjects").Index(i),
			fmt.Sprintf("The class %s syncs the Secret %q, and akv-injector writes no Secrets: what reads one does not see a rotation.", o.Name, secret.SecretName),
			"Read the mounted files instead, remove secretObjects, and convert again.")
		c.checkReaders(secret.SecretName)
	}
}

func (c *conversion) checkParameters(o *manifest.Object, class *secretsstorev1.SecretProviderClass) {
	value := func(key string) string { return strings.TrimSpace(class.Spec.Parameters[key]) }
	parameters := finding.At("spec", "parameters")
	const federate = "Set up workload identity: a federated credential for the service account, clientID in the class; then convert again."
	for _, mode := range []struct{ key, what, fix string }{
		{provider.ParamPodIdentity, "Pod identity is retired", federate},
		{provider.ParamVMIdentity, "The node's identity reads the vault here, and akv-injector uses the service account's", federate},
	} {
		if on, err := strconv.ParseBool(value(mode.key)); on || value(mode.key) != "" && err != nil {
			c.problems.add(o, parameters.Child(mode.key), fmt.Sprintf("%s (%s: %q).", mode.what, mode.key, value(mode.key)),
				mode.fix)
			return
		}
	}
	if proxy := value(provider.ParamTokenProxy); proxy != "" {
		if on, err := strconv.ParseBool(proxy); on {
			c.notes.add(o, parameters.Child(provider.ParamTokenProxy),
				fmt.Sprintf("The class %s reaches its identity through an identity binding of AKS, and so will the pods (%s: binding).", o.Name, annotation.IdentityMode),
				"Keep the ClusterRole that lets their service account use it.")
		} else if err != nil {
			c.problems.add(o, parameters.Child(provider.ParamTokenProxy), fmt.Sprintf("The provider cannot read %s: %q.", provider.ParamTokenProxy, proxy), "Write \"true\" or \"false\".")
		}
	}
	if value(provider.ParamCloudFile) != "" {
		c.problems.add(o, parameters.Child(provider.ParamCloudFile), "The cloud is read from a file on the node, which no annotation says.",
			"Keep this class; mount it with the annotation "+annotation.SecretProviderClass+": "+o.Name+".")
	}
	for _, need := range []struct{ name, key, value string }{
		{"Key Vault", provider.ParamVault, value(provider.ParamVault)},
		{"client id", provider.ParamClient, value(provider.ParamClient)},
		{"tenant", provider.ParamTenant, value(provider.ParamTenant) + value(provider.ParamTenantOld)},
	} {
		switch {
		case finding.IsPlaceholder(need.value):
			c.problems.add(o, parameters.Child(need.key), fmt.Sprintf("%q is a placeholder, not a %s.", need.value, need.name),
				"Fill it in before converting, with envsubst or what fills it in for you.")
		case need.value == "" && need.key == provider.ParamClient:
			c.problems.add(o, parameters, "The class has no clientID, so it does not use workload identity, which is all that akv-injector uses.",
				"Set up workload identity: a federated credential for the service account, clientID in the class; then convert again.")
		case need.value == "":
			c.problems.add(o, parameters, fmt.Sprintf("The class names no %s.", need.name), "Correct the class first.")
		}
	}
}
