package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic"

	"akv-injector/inject/provider"
	"akv-injector/internal/cli/lint"
)

// serverTimeout is how long version waits for a cluster.
const serverTimeout = 5 * time.Second

func newVersion(streams genericiooptions.IOStreams) *cobra.Command {
	kube := genericclioptions.NewConfigFlags(true)
	clientOnly := false
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of this program and of the server",
		Long: `Prints the version of this program, and of akv-injector in the cluster, by the images of its
Deployments. They are made for each other where they have the same minor version: a plugin of
another one may know other rules and annotations than the server.`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := fmt.Fprintln(streams.Out, "kubectl-akv", version); err != nil || clientOnly {
				return err
			}
			lines, err := serverVersions(cmd.Context(), kube)
			if err != nil {
				// Not a failure: what was asked for first is said.
				fmt.Fprintln(streams.ErrOut, "akv-injector not checked: "+lint.Printable(strings.Join(strings.Fields(err.Error()), " ")))
				return nil
			}
			for _, line := range lines {
				if _, err := fmt.Fprintln(streams.Out, lint.Printable(line)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&clientOnly, "client", false, "ask no cluster")
	kube.AddFlags(cmd.Flags())
	return cmd
}

// serverVersions says which versions run in the cluster, and whether they fit.
func serverVersions(ctx context.Context, kube *genericclioptions.ConfigFlags) ([]string, error) {
	client, err := dynamicClient(kube)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	found, err := deployed(ctx, client)
	switch {
	case apierrors.IsForbidden(err):
		return nil, fmt.Errorf("you may not list deployments in all namespaces (kubectl auth can-i list deployments.apps -A)")
	case err != nil:
		return nil, err
	case len(found) == 0:
		return []string{"akv-injector is not installed in this cluster"}, nil
	}
	var lines []string
	for _, d := range found {
		line := fmt.Sprintf("akv-injector %s (Deployment %s/%s)", d.version, d.namespace, d.name)
		if skew := skewOf(version, d.version); skew != "" {
			line += "; " + skew
		}
		lines = append(lines, line)
	}
	return lines, nil
}

type server struct{ namespace, name, version string }

// deployed are the Deployments of akv-injector, with the tags of their images.
func deployed(ctx context.Context, client dynamic.Interface) ([]server, error) {
	list, err := client.Resource(appsv1.SchemeGroupVersion.WithResource("deployments")).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=akv-injector"})
	if err != nil {
		return nil, err
	}
	var found []server
	for i := range list.Items {
		var d appsv1.Deployment
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &d); err != nil {
			return nil, err
		}
		s := server{namespace: d.Namespace, name: d.Name, version: "of an unknown version"}
		if containers := d.Spec.Template.Spec.Containers; len(containers) > 0 {
			if _, tag := provider.ImageParts(containers[0].Image); tag != "" {
				s.version = tag
			}
		}
		found = append(found, s)
	}
	slices.SortFunc(found, func(a, b server) int { return strings.Compare(a.namespace+"/"+a.name, b.namespace+"/"+b.name) })
	return found, nil
}

// skewOf says how two versions do not fit, or "" if they do, or if one of them is no version.
func skewOf(client, server string) string {
	c, err := utilversion.ParseSemantic(client)
	if err != nil {
		return ""
	}
	s, err := utilversion.ParseSemantic(server)
	switch {
	case err != nil:
		return ""
	case c.Major() == s.Major() && c.Minor() == s.Minor():
		return ""
	case c.LessThan(s):
		return "this plugin is older: update it, or what it says of rules and annotations may not be what the server does"
	}
	return "this plugin is newer: it may know rules and annotations that the server does not have yet"
}
