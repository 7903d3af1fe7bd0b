package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

// starting allows for a machine that is busy with builds; on an idle one each program is
// ready in about two seconds.
var starting = await.Poll{Limit: 2 * time.Minute, Every: probeStep}

const (
	probeStep = 50 * time.Millisecond
	// stopGrace is how long a program may take to end when asked to.
	stopGrace = 20 * time.Second
)

// server is one program of the control plane.
type server struct {
	spec   process.Spec
	ready  string // URL that answers 200 when the program can be used
	client *http.Client

	running *process.Process // nil before start and after stop
}

// start starts the program and waits until it is ready.
func (s *server) start(ctx context.Context) error {
	if s.running != nil {
		return fmt.Errorf("%s runs already", s.spec.Name)
	}
	running, err := process.Start(s.spec)
	if err != nil {
		return err
	}
	if err := running.AwaitReady(ctx, starting, s.probe); err != nil {
		return errors.Join(err, running.Stop(stopGrace))
	}
	s.running = running
	return nil
}

func (s *server) probe(ctx context.Context) error { return process.Answers(ctx, s.client, s.ready) }

// stop ends the program. One that had ended by itself is an error: whatever was
// tested after that was not tested.
func (s *server) stop() error {
	running := s.running
	if running == nil {
		return nil
	}
	s.running = nil
	select {
	case <-running.Exited():
		return running.Failure()
	default:
		return running.Stop(stopGrace)
	}
}
