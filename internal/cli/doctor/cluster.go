package doctor

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilversion "k8s.io/apimachinery/pkg/util/version"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

const (
	ourConfiguration      = "akv-injector"
	identityConfiguration = "azure-wi-webhook-mutating-webhook-configuration"

	enableAddon    = "az aks enable-addons -g {group} -n {cluster} --addons azure-keyvault-secrets-provider --enable-secret-rotation"
	enableRotation = "az aks addon update -g {group} -n {cluster} --addon azure-keyvault-secrets-provider --enable-secret-rotation"
	enableIdentity = "az aks update -g {group} -n {cluster} --enable-oidc-issuer --enable-workload-identity"
)

// leastKubernetes has match conditions and optional types of CEL, without which the webhooks cannot be configured.
var leastKubernetes = utilversion.MustParseGeneric("1.30")

var clusterChecks = []Check{
	{
		ID: "AKVD001", Layer: LayerCluster, Name: "kubernetes", Before: true,
		Looks: "the version of the API server", Matters: "The webhooks' match conditions need Kubernetes 1.30.",
		run: checkKubernetes,
	},
	{
		ID: "AKVD002", Layer: LayerCluster, Name: "class-crd", Before: true,
		Looks: "whether the API server serves SecretProviderClasses", Matters: "Without them no secret is mounted, and akv-injector is not ready.",
		run: checkClassCRD,
	},
	{
		ID: "AKVD003", Layer: LayerCluster, Name: "csidriver", Before: true,
		Looks: "the CSIDriver object of the Secrets Store CSI driver", Matters: "Without it the kubelet mounts nothing, and pods wait in ContainerCreating.",
		run: checkCSIDriver,
	},
	{
		ID: "AKVD004", Layer: LayerCluster, Name: "token-audience", Before: true,
		Looks: "whether the CSIDriver requests the token that Entra ID exchanges", Matters: "Without it the provider cannot sign in to Azure, and no mount succeeds.",
		run: checkAudience,
	},
	{
		ID: "AKVD005", Layer: LayerCluster, Name: "rotation", Before: true,
		Looks: "whether the driver rotates", Matters: "Pods keep the versions that they started with.",
		run: checkRotation,
	},
	{
		ID: "AKVD006", Layer: LayerCluster, Name: "driver-on-nodes", Before: true,
		Looks: "whether the driver is registered on each node that takes pods (CSINode)", Matters: "Pods on the other nodes wait in ContainerCreating.",
		run: checkNodes,
	},
	{
		ID: "AKVD007", Layer: LayerCluster, Name: "driver-version", Before: true,
		Looks: "what the driver's version does wrong", Matters: "A pod can start without its files, and not say so.",
		run: checkDriverVersion,
	},
	{
		ID: "AKVD008", Layer: LayerCluster, Name: "provider", Before: true,
		Looks: "whether the Azure provider's pods run", Matters: "The driver finds no provider on the node, and mounts fail.",
		run: checkProvider,
	},
	{
		ID: "AKVD009", Layer: LayerCluster, Name: "identity-webhook", Before: true,
		Looks: "whether the workload identity webhook is there", Matters: "Secrets are mounted all the same, but programs in the pods get no token of their own.",
		run: checkIdentityWebhook,
	},
	{
		ID: "AKVD010", Layer: LayerCluster, Name: "oidc-issuer", Before: true,
		Looks: "the issuer of the cluster's tokens: whether Entra ID can reach it, and finds the same issuer there", Matters: "Entra ID exchanges no token of the cluster, and no mount succeeds.",
		run: checkIssuer,
	},
}

func checkKubernetes(_ context.Context, p *Patient, r *report) {
	info, err := p.Client.Discovery().ServerVersion()
	if err != nil {
		r.notChecked(unseen(err, "get", "/version", "").Error())
		return
	}
	v, err := utilversion.ParseGeneric(info.GitVersion)
	switch {
	case err != nil:
		r.notChecked(fmt.Sprintf("the API server's version %q cannot be read", text.Shorten(info.GitVersion)))
	case v.LessThan(leastKubernetes):
		r.problem("Kubernetes "+info.GitVersion, text.Command("az aks upgrade -g {group} -n {cluster} --kubernetes-version 1.30", nil))
	default:
		r.ok("Kubernetes %s", info.GitVersion)
	}
}

func checkClassCRD(_ context.Context, p *Patient, r *report) {
	resources, err := p.Client.Discovery().ServerResourcesForGroupVersion(secretsstorev1.SchemeGroupVersion.String())
	switch {
	case apierrors.IsNotFound(err):
		r.problem("the API server knows no "+secretsstorev1.SchemeGroupVersion.String(), text.Command(enableAddon, nil))
	case err != nil:
		r.notChecked(unseen(err, "get", "/apis", "").Error())
	case !slices.ContainsFunc(resources.APIResources, func(a metav1.APIResource) bool { return a.Name == "secretproviderclasses" }):
		r.problem("the API server serves no secretproviderclasses", text.Command(enableAddon, nil))
	default:
		r.ok("SecretProviderClasses are served")
	}
}

func checkCSIDriver(ctx context.Context, p *Patient, r *report) {
	driver, err := p.CSIDriver(ctx)
	switch {
	case err != nil:
		r.notChecked(err.Error())
	case driver == nil:
		r.problem("there is no CSIDriver "+provider.DriverName, text.Command(enableAddon, nil))
	default:
		r.ok("CSIDriver %s", driver.Name)
	}
}

func checkAudience(ctx context.Context, p *Patient, r *report) {
	driver, err := p.CSIDriver(ctx)
	switch {
	case err != nil:
		r.notChecked(err.Error())
	case driver == nil:
	case !provider.RequestsToken(driver, provider.TokenAudience):
		path, request := "/spec/tokenRequests/-", `{"audience":"`+provider.TokenAudience+`"}`
		if len(driver.Spec.TokenRequests) == 0 { // there is no list to add to
			path, request = "/spec/tokenRequests", "["+request+"]"
		}
		r.problem("the CSIDriver requests no token for "+provider.TokenAudience,
			text.Command(`kubectl patch csidriver `+provider.DriverName+` --type=json -p [{"op":"add","path":"`+path+`","value":`+request+`}]`, nil))
	default:
		r.ok("tokens for %s are requested", provider.TokenAudience)
	}
}

func checkRotation(ctx context.Context, p *Patient, r *report) {
	rotation, driver, err := p.Rotation(ctx)
	switch {
	case err != nil:
		r.notChecked(err.Error())
	case driver == nil:
		r.notChecked("no DaemonSet of the driver is in the cluster: what runs it is not known")
	case rotation.Off != "":
		r.problem(rotation.Off, text.Command(enableRotation, nil))
	default:
		r.ok("%s", rotation.Words())
	}
}

func checkNodes(ctx context.Context, p *Patient, r *report) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	nodes, err := p.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		r.notChecked(unseen(err, "list", "nodes", "").Error())
		return
	}
	registered, err := p.Client.StorageV1().CSINodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		r.notChecked(unseen(err, "list", "csinodes.storage.k8s.io", "").Error())
		return
	}
	has := map[string]bool{}
	for i := range registered.Items {
		for _, d := range registered.Items[i].Spec.Drivers {
			has[registered.Items[i].Name] = has[registered.Items[i].Name] || d.Name == provider.DriverName
		}
	}
	good := 0
	for i := range nodes.Items {
		n := &nodes.Items[i]
		switch {
		case n.Spec.Unschedulable, !readyNode(n), virtual(n):
		case has[n.Name]:
			good++
		default:
			r.of("node "+n.Name, Problem, "the driver is not registered on the node",
				text.Command("kubectl get pods -A -o wide --field-selector spec.nodeName={node}", text.Values{"node": n.Name}))
		}
	}
	if len(r.results) == 0 {
		r.ok("registered on all %d nodes that take pods", good)
	}
}

func readyNode(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// virtual reports whether a node is one of virtual kubelets, which have no CSI drivers.
func virtual(n *corev1.Node) bool { return n.Labels["type"] == "virtual-kubelet" }

func checkDriverVersion(ctx context.Context, p *Patient, r *report) {
	_, driver, err := p.Rotation(ctx)
	switch {
	case err != nil:
		r.notChecked(err.Error())
	case driver == nil:
		r.notChecked("no DaemonSet of the driver is in the cluster")
	case driver.Version == "":
		r.notChecked("the tag of the driver's image is no version")
	case driver.Version == "1.6.0":
		r.warn("driver 1.6.0: if a first mount is interrupted, a pod can become Ready with an empty folder",
			"Let pods wait for their files: helm upgrade … --set mountedGate.enabled=true, and kubectl annotate namespace NAMESPACE azure.keyvault.injector/mounted-gate=true")
	default:
		r.ok("driver %s", driver.Version)
	}
}

func checkProvider(ctx context.Context, p *Patient, r *report) {
	sets, err := p.DaemonSets(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	found := false
	for i := range sets {
		d := &sets[i]
		if !slices.ContainsFunc(d.Spec.Template.Spec.Containers, func(c corev1.Container) bool { return isProvider(c.Image) }) {
			continue
		}
		found = true
		object := "DaemonSet " + d.Namespace + "/" + d.Name
		if d.Status.DesiredNumberScheduled > 0 && d.Status.NumberReady < d.Status.DesiredNumberScheduled {
			r.of(object, Problem, fmt.Sprintf("%d of its %d pods are ready", d.Status.NumberReady, d.Status.DesiredNumberScheduled),
				text.Command("kubectl describe pods -n {namespace} -l app={name}", text.Values{"namespace": d.Namespace, "name": d.Name}))
			continue
		}
		r.of(object, OK, fmt.Sprintf("%d pods are ready", d.Status.NumberReady), "")
	}
	if !found {
		r.notChecked("no DaemonSet of the Azure provider is in the cluster: what runs it is not known")
	}
}

// isProvider reports whether an image is the provider's, of AKS or of its chart.
func isProvider(reference string) bool {
	name, _ := provider.ImageParts(reference)
	return name == "provider-azure"
}

func checkIdentityWebhook(ctx context.Context, p *Patient, r *report) {
	all, err := p.Mutating(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	for i := range all {
		if identityWebhook(&all[i]) {
			r.ok("%s", all[i].Name)
			return
		}
	}
	r.warn("there is no MutatingWebhookConfiguration "+identityConfiguration, text.Command(enableIdentity, nil))
}
