package serving

import (
	"errors"
	"net/http"
	"testing"
)

func TestServerCheckFailsWithoutAServer(t *testing.T) {
	s := &ServerCheck{}
	if err := s.Ready(nil); !errors.Is(err, errNotStarted) {
		t.Errorf("without a server: %v", err)
	}
	down := errors.New("down")
	answer := down
	s.Use(func(*http.Request) error { return answer })
	if err := s.Ready(nil); !errors.Is(err, down) {
		t.Errorf("with a server that is down: %v", err)
	}
	answer = nil
	if err := s.Ready(nil); err != nil {
		t.Errorf("with a server that answers: %v", err)
	}
}
