package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/installed"
	"akv-injector/e2e/load"
	"akv-injector/internal/testing/await"
)

// replicas that the chart installs.
const replicas = 2

// Options of a run.
type Options struct {
	// Namespace that has opted in, with the account cluster.Account.
	Namespace string
	// PerSecond is how much is asked.
	PerSecond int
	// Wave is how many pods the wave has.
	Wave int
	// Least is how long the run goes on at least: the faults are made again and again until then. 0 is once.
	Least time.Duration
	Log   io.Writer
}

// Run is a run.
type Run struct {
	m       *installed.Machine
	api     client.WithWatch
	options Options
	pods    []*corev1.Pod // that stay all the while
	// found is how long after each restart the API server's Service led to it again.
	found []time.Duration
}

// Row is what came of a fault, over all times that it was made.
type Row struct {
	Fault Fault
	Times int
	load.Counts
}

// Result of a run.
type Result struct {
	Took          time.Duration
	Rows          []Row
	Before, After []installed.Usage
	PeakMiB       int
	// Found is how long after each of its restarts the API server's Service led to it again.
	Found []time.Duration
	// OutOfMemory is how many times a replica was seen that had been ended for its memory.
	OutOfMemory int
}

// kept is how many pods stay all the while, each with a class of its own.
const kept = 20

// Start makes all faults on a machine on which akv-injector is installed.
func Start(ctx context.Context, m *installed.Machine, options Options) (*Result, error) {
	config := rest.CopyConfig(m.Config)
	config.QPS = -1
	api, err := client.NewWithWatch(config, client.Options{Scheme: cluster.Scheme()})
	if err != nil {
		return nil, err
	}
	r := &Run{m: m, api: api, options: options}
	for i := range kept {
		pod := cluster.Pod(options.Namespace, fmt.Sprintf("kept-%d", i), fmt.Sprintf("Kept-%d", i))
		pod.Spec.SchedulerName = "nobody"
		if err := api.Create(ctx, pod); err != nil {
			return nil, err
		}
		r.pods = append(r.pods, pod)
	}
	l, err := load.Start(ctx, m.Config, options.Namespace, options.PerSecond)
	if err != nil {
		return nil, err
	}
	defer l.Stop()
	result := &Result{}
	if result.Before, err = r.usage(ctx); err != nil {
		return nil, err
	}
	result.Rows = make([]Row, len(Faults))
	begun := time.Now()
	for round := 0; round == 0 || time.Since(begun) < options.Least; round++ {
		for i, fault := range Faults {
			if err := r.fault(ctx, l, fault, &result.Rows[i]); err != nil {
				return result, fmt.Errorf("%s: %w", fault.Name, err)
			}
			usage, err := r.usage(ctx)
			if err != nil {
				return result, err
			}
			for _, u := range usage {
				result.PeakMiB = max(result.PeakMiB, u.PeakMiB)
				if u.OutOfMemory {
					result.OutOfMemory++
				}
			}
			result.After = usage
		}
	}
	result.Took, result.Found = time.Since(begun), r.found
	return result, r.kept(ctx)
}

// fault makes one fault, and adds what came of it.
func (r *Run) fault(ctx context.Context, l *load.Load, fault Fault, row *Row) error {
	l.Take()
	begun := time.Now()
	if err := fault.make(ctx, r); err != nil {
		return err
	}
	// What was asked meanwhile counts here, and not as the next fault's.
	if err := l.Answered(ctx); err != nil {
		return err
	}
	if err := load.Pause(ctx, settle); err != nil {
		return err
	}
	counts := l.Take()
	row.Fault = fault
	row.Times++
	row.Counts = row.Plus(counts)
	if r.options.Log != nil {
		fmt.Fprintf(r.options.Log, "%s (%.0f s): %s\n", fault.Name, time.Since(begun).Seconds(), counts)
		for _, first := range append(counts.First, counts.Others...) {
			fmt.Fprintln(r.options.Log, "   ", first)
		}
	}
	return nil
}

// whole waits until the API server answers as it did before: what is its own is not mended when it runs again.
func (r *Run) whole(ctx context.Context) error {
	const inTime, enough = time.Second, 10
	quick := 0
	poll := await.Poll{Limit: 2 * time.Minute, Every: 100 * time.Millisecond}
	return poll.Success(ctx, "the API server to answer as it did", func(ctx context.Context) error {
		ask, cancel := context.WithTimeout(ctx, inTime)
		defer cancel()
		if err := r.api.Create(ask, cluster.Pod(r.options.Namespace, "whole", "DB-Password"), client.DryRunAll); err != nil {
			quick = 0
			return err
		}
		if quick++; quick < enough {
			return fmt.Errorf("%d answers of %d in a row were in time", quick, enough)
		}
		return nil
	})
}

func (r *Run) usage(ctx context.Context) ([]installed.Usage, error) {
	if err := r.m.Ready(ctx, replicas); err != nil {
		return nil, err
	}
	pods, err := r.m.Replicas(ctx)
	if err != nil {
		return nil, err
	}
	var all []installed.Usage
	for i := range pods {
		u, err := r.m.Usage(ctx, &pods[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pods[i].Name, err)
		}
		all = append(all, u)
	}
	return all, nil
}

// kept waits until each pod that stays has its class: without it, it would never start.
func (r *Run) kept(ctx context.Context) error {
	poll := await.Poll{Limit: time.Minute, Every: 100 * time.Millisecond}
	return poll.Retry("the classes of stored pods", func() error {
		var missing []string
		for _, pod := range r.pods {
			for _, name := range cluster.Classes(pod) {
				err := r.api.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: name}, &secretsstorev1.SecretProviderClass{})
				if err != nil {
					missing = append(missing, name)
				}
			}
		}
		if len(missing) > 0 {
			return errors.New(strings.Join(missing, ", "))
		}
		return nil
	})
}
