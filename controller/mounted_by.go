package controller

import (
	"context"
	"slices"

	"akv-injector/inject/provider"
)

// MountedBy returns a func that names the pods that mount a class and have not finished, in order. It asks the API server:
// the cache has only injected pods, and a class that people wrote is mounted by others.
func MountedBy(live *LivePods) func(ctx context.Context, namespace, class string) ([]string, error) {
	return func(ctx context.Context, namespace, class string) ([]string, error) {
		pods, err := live.In(ctx, namespace)
		if err != nil {
			return nil, err
		}
		names := []string{}
		for i := range pods {
			if slices.Contains(provider.ClassNames(&pods[i].Spec), class) {
				names = append(names, pods[i].Name)
			}
		}
		slices.Sort(names)
		return names, nil
	}
}
