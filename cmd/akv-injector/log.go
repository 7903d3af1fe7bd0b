package main

import (
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// newLogger makes the one log of the program. The libraries' own logs go into it
// too: client-go's (klog), controller-runtime's, and what net/http says of broken
// TLS handshakes (the default logger).
func newLogger(out io.Writer, o options) logr.Logger {
	// validate knows the names.
	level := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}[o.logLevel]
	handlerOptions := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewJSONHandler(out, handlerOptions)
	if o.logFormat == "text" {
		handler = slog.NewTextHandler(out, handlerOptions)
	}
	slog.SetDefault(slog.New(handler))
	log := logr.FromSlogHandler(handler)
	klog.SetLogger(log.WithName("client-go"))
	ctrllog.SetLogger(log)
	return log
}
