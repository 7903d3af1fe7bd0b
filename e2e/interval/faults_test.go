package interval_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/build"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

const (
	shortGate = 5 * time.Second
	// soonOnABusyMachine is well before the kubelet's next round, which is 60 to 90 s after the last.
	soonOnABusyMachine = 45 * time.Second
)

// story is one system to which things happen, and the rotations between them.
type story struct {
	*testing.T
	system *system.System
	reader *reader
	n      int
}

// rotate sets the next version, which must be in the container soon.
func (s *story) rotate(what string) {
	s.Helper()
	s.n++
	took, err := s.reader.rotate(s.Context(), fmt.Sprintf("value-%d", s.n), shortGate+3*time.Second, soonOnABusyMachine)
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
	s.Logf("%s: after %.1f s", what, took.Seconds())
}

var sentNudges = regexp.MustCompile(`(?m)^akv_injector_rotation_nudges_total\{kind="[a-z]+",result="sent"\} (\d+)$`)

// nudges is how many nudges the running replicas have sent.
func (s *story) nudges() int {
	s.Helper()
	sum := 0
	for _, r := range s.system.Injector.Replicas() {
		text, err := r.Metrics(s.Context())
		if err != nil {
			continue // it is stopped
		}
		for _, match := range sentNudges.FindAllStringSubmatch(text, -1) {
			n, err := strconv.Atoi(match[1])
			check(s.T, err)
			sum += n
		}
	}
	return sum
}

// left rotates while nothing may be nudged, and waits for as long as that would have taken.
func (s *story) left(what string) {
	s.Helper()
	before := s.nudges()
	s.n++
	_, err := s.reader.SetSecret(s.reader.secret, fmt.Sprintf("value-%d", s.n))
	check(s.T, err)
	// Three intervals. There is no condition to wait for: nothing is to happen.
	timer := time.NewTimer(3 * s.reader.asked)
	defer timer.Stop()
	select {
	case <-s.Context().Done():
	case <-timer.C:
	}
	if after := s.nudges(); after != before {
		s.Errorf("%s: %d nudges", what, after-before)
	}
}

// leader is the replica that leads, by the Lease that it holds.
func (s *story) leader() *injector.Replica {
	s.Helper()
	var found *injector.Replica
	await.Poll{Limit: time.Minute}.Require(s.T, "a replica that drives rotation", func(ctx context.Context) (bool, string) {
		for _, r := range s.system.Injector.Replicas() {
			if text, err := r.Metrics(ctx); err == nil && strings.Contains(text, "\nakv_injector_rotation_driving 1") {
				found = r
			}
		}
		return found != nil, "none"
	})
	return found
}

// TestFaults: rotation goes on whatever happens to those who take part in it, and stops where it is told to.
func TestFaults(t *testing.T) {
	s := &story{T: t, system: start(t, system.Options{
		PollInterval: shortGate, SyncFrequency: kubeletsDefault, Replicas: 2, InjectorIdentity: true,
	})}
	tenant := newTenant(t, s.system, byList)
	s.reader = newReader(t, tenant, byList, injected, 10*time.Second)
	s.rotate("nothing is wrong")

	leader := s.leader()
	check(t, s.system.Injector.StopReplica(leader))
	s.rotate("the leader is stopped")
	check(t, s.system.Injector.StartReplica(t.Context(), leader))

	check(t, s.system.Driver.KillDriver())
	check(t, s.system.Driver.StartDriver(t.Context()))
	s.rotate("the driver was killed")

	check(t, s.system.RestartAPIServer(t.Context()))
	s.rotate("the API server was restarted")

	check(t, s.system.RevokeInjector(tenant.Vault))
	s.rotate("the vault's list is forbidden")

	annotate(t, s.system, tenant.Namespace, map[string]string{annotation.Rotation: annotation.RotationOff})
	s.left("the namespace says off")
	s.byHand()
	annotate(t, s.system, tenant.Namespace, map[string]string{annotation.Rotation: ""})
	annotate(t, s.system, injector.Namespace, map[string]string{annotation.Rotation: annotation.RotationOff})
	s.left("akv-injector's own namespace says off")
	annotate(t, s.system, injector.Namespace, map[string]string{annotation.Rotation: ""})
	s.rotate("it may go on")

	s.twoLeaders()
	s.withoutPolicy()
}

// twoLeaders: the leader hangs for longer than its lease, another takes over, and it comes back, believing
// for a while that it leads. Nothing is lost, and a pod is nudged by each at most. Then it is killed.
func (s *story) twoLeaders() {
	s.Helper()
	hung := s.leader()
	check(s.T, syscall.Kill(hung.Process().Pid(), syscall.SIGSTOP))
	begun := time.Now()
	await.Poll{Limit: 4 * time.Minute, Every: time.Second}.Require(s.T, "another replica to lead", func(ctx context.Context) (bool, string) {
		for _, r := range s.system.Injector.Replicas() {
			if r == hung {
				continue // it answers nothing
			}
			if text, err := r.Metrics(ctx); err == nil && strings.Contains(text, "\nakv_injector_rotation_pods{state=\"current\"} 1") {
				return true, ""
			}
		}
		return false, "none leads"
	})
	s.Logf("a leader that hangs is replaced after %.0f s", time.Since(begun).Seconds())
	check(s.T, syscall.Kill(hung.Process().Pid(), syscall.SIGCONT))
	before := s.nudges()
	s.rotate("two replicas believe that they lead")
	if n := s.nudges() - before; n > 4 {
		s.Errorf("%d nudges of one pod, by two replicas", n)
	}
	// It ends by itself too, when it finds that it has lost the lease.
	if err := syscall.Kill(hung.Process().Pid(), syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		check(s.T, err)
	}
	<-hung.Process().Exited()
	s.rotate("one of them was killed")
	check(s.T, s.system.Injector.StartReplica(s.Context(), hung))
	check(s.T, s.system.Injector.AwaitReady(s.Context()))
}

// byHand: a person has the version mounted that nobody was nudged for.
func (s *story) byHand() {
	s.Helper()
	program, err := build.Product(s.Context(), io.Discard, "./cmd/kubectl-akv")
	check(s.T, err)
	command := exec.CommandContext(s.Context(), program, "refresh", "--wait", "pod/"+s.reader.pod.Name, "--namespace="+s.reader.Namespace, "--kubeconfig="+s.system.Kubeconfig)
	printed, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(printed), "arrived: ") {
		s.Errorf("kubectl akv refresh prints %q (%v)", printed, err)
	}
	_, err = s.reader.printed(s.Context(), fmt.Sprintf("value-%d", s.n), soonOnABusyMachine)
	check(s.T, err)
}

// withoutPolicy: a right that no policy narrows is not used.
func (s *story) withoutPolicy() {
	s.Helper()
	const name = "akv-injector-own-pods"
	policy := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: name}}
	check(s.T, s.system.API.Delete(s.Context(), policy))
	check(s.T, s.system.Injector.Restart(s.Context()))
	s.left("there is no policy")
	logged := false
	for _, r := range s.system.Injector.Replicas() {
		logged = logged || strings.Contains(r.Log(), "rotation is only observed") && strings.Contains(r.Log(), "no admission policy keeps akv-injector")
	}
	if !logged {
		s.Error("no replica says that it only observes, and why")
	}
}

// TestOlderDriver: a driver with a loop of its own is left to it. AKS has had both.
func TestOlderDriver(t *testing.T) {
	for version, newer := range map[string]bool{"1.4.8": false, "1.5.6": true} {
		t.Run(version, func(t *testing.T) {
			s := &story{T: t, system: start(t, system.Options{Legacy: true, Legacy15: newer, PollInterval: shortGate, SyncFrequency: kubeletsDefault})}
			s.reader = newReader(t, newTenant(t, s.system, byCanary), byCanary, injected, 10*time.Second)
			s.rotate("driver " + version + " alone")
			if n := s.nudges(); n != 0 {
				t.Errorf("%d nudges, which are of no use", n)
			}
			if log := s.system.Injector.Replicas()[0].Log(); !strings.Contains(log, "older than 1.6") {
				t.Error("the log does not say why nothing is nudged")
			}
		})
	}
}
