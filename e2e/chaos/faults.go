package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/load"
	"akv-injector/inject/annotation"
	"akv-injector/internal/certificates"
	"akv-injector/internal/testing/await"
)

// Fault is something that breaks, and is whole again when make ends.
type Fault struct {
	Name string
	make func(context.Context, *Run) error
	// Costs says why requests may fail for our sake meanwhile, and Most how many of a hundred; "" is that none may.
	Costs string
	Most  int
	// Itself says that the API server itself refuses some meanwhile.
	Itself bool
}

// Faults in the order in which they are made.
var Faults = []Fault{
	{Name: "nothing", make: nothing},
	{Name: "`kubectl rollout restart`", make: rollout},
	{Name: "a replica is killed (SIGKILL)", make: kill(false), Most: 10, Costs: refused},
	{Name: "the leader is killed (SIGKILL)", make: kill(true), Most: 10, Costs: refused},
	{Name: "a new serving certificate", make: rotate("leaf")},
	{Name: "a new CA", make: rotate("ca")},
	{Name: "the API server is restarted", make: restartAPIServer, Itself: true, Most: 50, Costs: notBack},
	{Name: "nothing, after the restart", make: nothing},
	{Name: "etcd hangs for 5 s", make: pauseEtcd, Itself: true, Most: 40, Costs: noEtcd},
	// Before the cut, after which connections seem open that are not.
	{Name: "a replica hangs for 10 s (SIGSTOP)", make: hang, Most: 15, Costs: silent},
	{Name: "one replica's network is cut for 10 s", make: cut, Most: 15, Costs: silent},
	{Name: "a wave of pods", make: wave},
	{Name: "8 pods of 2.5 MB at once, ten times", make: large},
	{Name: "the class's CRD is removed, and comes back", make: removeCRD, Itself: true, Most: 30, Costs: noClasses},
}

// What remains, and why.
const (
	refused   = "its address is in the Service until the kubelet has seen the process end, which takes about a second: a connection to it is refused, and the API server does not try another replica"
	silent    = "the API server waits 5 s for an answer, and goes on to choose it until the kubelet has found it unready twice"
	noEtcd    = "before a class is written and before a pod is refused it is read once more, which waits for etcd as the API server's own writes do"
	notBack   = "it calls webhooks as soon as it runs, and can be called back only when kube-proxy has found it again, which waits longer after each try: it can take longer than the 3 s that akv-injector waits"
	noClasses = "without the CRD there are no classes, and a pod that named one would never start: pods that ask are refused until it is back"
)

// settle is how long what a fault leads to may show after it.
const settle = 3 * time.Second

func nothing(ctx context.Context, _ *Run) error { return load.Pause(ctx, 2*settle) }

func rollout(ctx context.Context, r *Run) error {
	if err := r.m.Restart(ctx); err != nil {
		return err
	}
	// The ones before answer until their grace is over.
	return r.m.Ready(ctx, replicas)
}

func kill(leads bool) func(context.Context, *Run) error {
	return func(ctx context.Context, r *Run) error {
		leader, other, err := r.m.Leader(ctx)
		if err != nil {
			return err
		}
		victim := other
		if leads {
			victim = leader
		}
		if err := r.m.Signal(victim, syscall.SIGKILL); err != nil {
			return err
		}
		before := victim.Status.ContainerStatuses[0].RestartCount
		poll := await.Poll{Limit: 2 * time.Minute, Every: 100 * time.Millisecond}
		err = poll.Retry("the replica to run again", func() error {
			p, err := r.m.Client.CoreV1().Pods(victim.Namespace).Get(ctx, victim.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if s := p.Status.ContainerStatuses[0]; s.RestartCount == before || !s.Ready {
				return fmt.Errorf("restarts: %d, ready: %t", s.RestartCount, s.Ready)
			}
			return nil
		})
		return errors.Join(err, r.m.Ready(ctx, replicas))
	}
}

// rotate asks for a certificate or a CA, and waits until it is there.
func rotate(what string) func(context.Context, *Run) error {
	return func(ctx context.Context, r *Run) error {
		asked := fmt.Sprintf("%s %d", what, time.Now().UnixNano())
		if err := injector.AskForCertificate(ctx, r.m.Client, asked); err != nil {
			return err
		}
		secrets := r.m.Client.CoreV1().Secrets(injector.Namespace)
		poll := await.Poll{Limit: 2 * time.Minute, Every: 100 * time.Millisecond}
		return poll.Retry("a new "+what, func() error {
			secret, err := secrets.Get(ctx, injector.CertificateSecret, metav1.GetOptions{})
			if err == nil && secret.Annotations[certificates.AnnotationRotated] != asked {
				err = fmt.Errorf("annotations %v", secret.Annotations)
			}
			return err
		})
	}
}

func restartAPIServer(ctx context.Context, r *Run) error {
	service, err := r.m.Client.CoreV1().Services(metav1.NamespaceDefault).Get(ctx, "kubernetes", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := r.m.StopAPIServer(); err != nil {
		return err
	}
	if err := r.m.StartAPIServer(ctx); err != nil {
		return err
	}
	began := time.Now()
	poll := await.Poll{Limit: time.Minute, Every: 20 * time.Millisecond}
	err = poll.Success(ctx, "its Service to lead to the API server", func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(service.Spec.ClusterIP, "443"))
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		return err
	}
	r.found = append(r.found, time.Since(began))
	return r.whole(ctx)
}

func pauseEtcd(ctx context.Context, r *Run) error {
	if err := r.m.PauseEtcd(); err != nil {
		return err
	}
	const hangs = 5 * time.Second
	if err := errors.Join(load.Pause(ctx, hangs), r.m.ResumeEtcd()); err != nil {
		return err
	}
	return r.whole(ctx)
}

// long is how long a network is cut, and a replica hangs.
const long = 10 * time.Second

func cut(ctx context.Context, r *Run) error {
	// Without a connection of the API server's its loss costs nothing.
	busiest, err := r.m.Busiest(ctx)
	if err != nil {
		return err
	}
	if err := r.m.Node.Cut(ctx, busiest.Status.PodIP); err != nil {
		return err
	}
	err = errors.Join(load.Pause(ctx, long), r.m.Node.Mend(context.WithoutCancel(ctx)))
	return errors.Join(err, r.m.Ready(ctx, replicas))
}

func hang(ctx context.Context, r *Run) error {
	busiest, err := r.m.Busiest(ctx)
	if err != nil {
		return err
	}
	if err := r.m.Signal(busiest, syscall.SIGSTOP); err != nil {
		return err
	}
	err = errors.Join(load.Pause(ctx, long), r.m.Signal(busiest, syscall.SIGCONT))
	return errors.Join(err, r.m.Ready(ctx, replicas))
}

// wave creates many pods that ask as fast as the API server takes them, and deletes them.
func wave(ctx context.Context, r *Run) error {
	const side = 40
	var group sync.WaitGroup
	errs := make(chan error, side)
	for i := range side {
		group.Go(func() {
			for n := i; n < r.options.Wave; n += side {
				pod := cluster.Pod(r.options.Namespace, fmt.Sprintf("wave-%d", n), fmt.Sprintf("DB-Password,Wave-%d", n%side))
				pod.Spec.SchedulerName = "nobody"
				pod.Labels = map[string]string{"wave": "1"}
				if err := r.api.Create(ctx, pod); err != nil {
					errs <- fmt.Errorf("pod %d of the wave: %w", n, err)
					return
				}
				if pod.Labels[annotation.LabelInjected] != "true" {
					errs <- fmt.Errorf("pod %d of the wave is stored as it was", n)
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	if len(all) > 0 {
		return errors.Join(all...)
	}
	// The API server gives up after a minute, and has deleted as many as it could.
	poll := await.Poll{Limit: 5 * time.Minute, Every: time.Second}
	return poll.Success(ctx, "the wave's pods to be deleted", func(ctx context.Context) error {
		return r.api.DeleteAllOf(ctx, cluster.Pod(r.options.Namespace, "", ""), client.InNamespace(r.options.Namespace), client.MatchingLabels{"wave": "1"}, client.GracePeriodSeconds(0))
	})
}

// large asks for large pods, which no cluster has many of, so that replicas come nearer to their memory's limit: so many at
// once that an API server that shares two cores with all else still passes them on in time.
func large(ctx context.Context, r *Run) error {
	const times, side, size = 10, 8, 2500 << 10
	var group sync.WaitGroup
	errs := make(chan error, times*side)
	for range times {
		for i := range side {
			group.Go(func() {
				pod := cluster.Pod(r.options.Namespace, fmt.Sprintf("large-%d", i), "DB-Password")
				pod.Spec.Containers[0].Args = []string{strings.Repeat("x", size)}
				err := r.api.Create(ctx, pod, client.DryRunAll)
				if err == nil && pod.Labels[annotation.LabelInjected] != "true" {
					err = errors.New("it is stored as it was")
				}
				errs <- err
			})
		}
		group.Wait()
	}
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// classCRD is the CRD of the SecretProviderClass.
const classCRD = "secretproviderclasses.secrets-store.csi.x-k8s.io"

func removeCRD(ctx context.Context, r *Run) error {
	if out, err := r.m.KubectlCommand(ctx, "delete", "crd", classCRD, "--timeout=1m").CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl delete crd: %w: %s", err, out)
	}
	if err := load.Pause(ctx, settle); err != nil {
		return err
	}
	folder, err := build.ModuleDir(ctx, build.CSIDriver)
	if err != nil {
		return err
	}
	if _, err := controlplane.InstallCRDs(ctx, r.m.Config, filepath.Join(folder, "config", "crd", "bases")); err != nil {
		return err
	}
	if err := r.m.Ready(ctx, replicas); err != nil {
		return err
	}
	return r.kept(ctx)
}
