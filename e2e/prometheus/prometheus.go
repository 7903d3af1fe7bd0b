// Package prometheus runs a real Prometheus that reads metrics and looks at alerts.
package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

// Options of a Prometheus.
type Options struct {
	// Dir has its configuration, its data and its log.
	Dir string
	// Job and Targets, as "host:port", are what it reads.
	Job     string
	Targets []string
	// Rules is a file of alerts; "" is none.
	Rules string
	// Interval is how often it reads targets and looks at rules.
	Interval time.Duration
}

// Tool is the name by which [build.Tool] builds it.
const Tool = "prometheus"

// Server is a running Prometheus.
type Server struct {
	prometheusv1.API
	process *process.Process
}

// Start starts one, and waits until it answers.
func Start(ctx context.Context, options Options) (*Server, error) {
	program, err := build.Tool(ctx, nil, Tool)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(options.Dir, "prometheus.json")
	content, err := configuration(options)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return nil, err
	}
	port, release, err := controlplane.ReservePort()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	release()
	s := &Server{}
	s.process, err = process.Start(process.Spec{
		Name: "prometheus", Path: program, Log: filepath.Join(options.Dir, "prometheus.log"),
		Args: []string{"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(options.Dir, "data"), "--web.listen-address=" + address},
	})
	if err != nil {
		return nil, err
	}
	poll := await.Poll{Limit: time.Minute, Every: 50 * time.Millisecond}
	err = s.process.AwaitReady(ctx, poll, func(ctx context.Context) error {
		return process.Answers(ctx, http.DefaultClient, "http://"+address+"/-/ready")
	})
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	client, err := api.NewClient(api.Config{Address: "http://" + address})
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.API = prometheusv1.NewAPI(client)
	return s, nil
}

// Stop ends it.
func (s *Server) Stop() error { return s.process.Stop(20 * time.Second) }

// configuration is Prometheus' own, in JSON, which is YAML too.
func configuration(options Options) ([]byte, error) {
	every := fmt.Sprintf("%dms", options.Interval.Milliseconds())
	config := map[string]any{
		"global": map[string]any{"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
		"scrape_configs": []any{map[string]any{
			"job_name": options.Job, "static_configs": []any{map[string]any{"targets": options.Targets}},
		}},
	}
	if options.Rules != "" {
		config["rule_files"] = []string{options.Rules}
	}
	return json.Marshal(config)
}
