package main

import (
	"errors"
	"net/http"
	"testing"
)

func TestServingIsNotReadyBeforeThereIsAServer(t *testing.T) {
	s := &serving{}
	if err := s.ready(nil); !errors.Is(err, errNotServing) {
		t.Errorf("without a server: %v", err)
	}
	down := errors.New("down")
	answer := down
	s.by(func(*http.Request) error { return answer })
	if err := s.ready(nil); !errors.Is(err, down) {
		t.Errorf("with a server that is down: %v", err)
	}
	answer = nil
	if err := s.ready(nil); err != nil {
		t.Errorf("with one that answers: %v", err)
	}
}
