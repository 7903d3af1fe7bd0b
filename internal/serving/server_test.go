package serving

import (
	"errors"
	"net/http"
	"testing"
)

func TestServerIsNotReadyBeforeThereIsOne(t *testing.T) {
	s := &Server{}
	if err := s.Ready(nil); !errors.Is(err, errNotServing) {
		t.Errorf("without a server: %v", err)
	}
	down := errors.New("down")
	answer := down
	s.By(func(*http.Request) error { return answer })
	if err := s.Ready(nil); !errors.Is(err, down) {
		t.Errorf("with a server that is down: %v", err)
	}
	answer = nil
	if err := s.Ready(nil); err != nil {
		t.Errorf("with one that answers: %v", err)
	}
}
