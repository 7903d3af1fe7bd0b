package chaos_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/chaos"
	"akv-injector/e2e/installed"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/suite"
)

func TestMain(m *testing.M) {
	sandbox.Main(m, func(ctx context.Context) error { return installed.Prepare(ctx, os.Stderr) })
}

const namespace = "chaos"

// TestChaos makes each fault once, or again and again for as long as AKV_CHAOS says, such as 10m. With AKV_CHAOS_TABLE it writes what it has counted
// to that file.
func TestChaos(t *testing.T) {
	sandbox.Require(t)
	options := chaos.Options{Namespace: namespace, PerSecond: 30, Wave: 300, Log: t.Output()}
	if text := os.Getenv("AKV_CHAOS"); text != "" {
		var err error
		if options.Least, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		options.Wave = 2000
	}
	m, err := installed.Start(t.Context(), installed.Options{Log: t.Output()})
	check(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(m.ExplainAll())
		}
		check(t, m.Stop())
	})
	check(t, m.OptIn(t.Context(), namespace))
	check(t, m.Install(t.Context()))
	result, err := chaos.Start(t.Context(), m, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range result.Rows {
		wrong := row.Uninjected > 0 || row.Admitted == 0 || row.Unanswered > 0 && !row.Fault.Itself
		if row.Fault.Costs == "" {
			wrong = wrong || row.Failed > 0 || row.Unchecked > 0
		}
		if row.Failed*100 > row.Fault.Most*row.Sent {
			wrong = true
		}
		if wrong {
			t.Errorf("%s: %s\n%s", row.Fault.Name, row.Counts, strings.Join(row.First, "\n"))
		}
	}
	goroutines := [2]int{}
	for i, all := range [][]installed.Usage{result.Before, result.After} {
		for _, u := range all {
			goroutines[i] = max(goroutines[i], u.Goroutines)
		}
	}
	if result.OutOfMemory > 0 {
		t.Errorf("replicas were ended for their memory, seen %d times", result.OutOfMemory)
	}
	// A connection is one, and there are more of them after a wave. What hangs is one for each request, and would be thousands.
	const more = 200
	if goroutines[1] > goroutines[0]+more {
		t.Errorf("%d goroutines before, %d after", goroutines[0], goroutines[1])
	}
	suite.Measure(t, "%.0f s with faults: the most memory of a replica was %d MiB of 512; %d goroutines before, %d after", result.Took.Seconds(), result.PeakMiB, goroutines[0], goroutines[1])
	for _, row := range result.Rows {
		suite.Measure(t, "%s: %s", row.Fault.Name, row.Counts)
	}
	suite.Measure(t, "after restarts of the API server its Service led to it again after %s", seconds(result.Found))
	if file := os.Getenv("AKV_CHAOS_TABLE"); file != "" {
		check(t, os.WriteFile(file, []byte(table(result, goroutines)), 0o644))
	}
}

// table is what a run has counted, in Markdown.
func table(result *chaos.Result, goroutines [2]int) string {
	var out strings.Builder
	fmt.Fprintln(&out, "| fault | times | sent | admitted | refused for cause | failed for our sake | stored without injection | wrong, and not checked | the API server's own | longest gap | p99 |")
	fmt.Fprintln(&out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	var total chaos.Row
	line := func(name string, row chaos.Row) {
		fmt.Fprintf(&out, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %.1f s | %d ms |\n", name, row.Times, row.Sent, row.Admitted, row.Refused,
			row.Failed, row.Uninjected, row.Unchecked, row.Unanswered, row.Gap.Seconds(), row.P99.Milliseconds())
	}
	for _, row := range result.Rows {
		line(row.Fault.Name, row)
		total.Times += row.Times
		total.Counts = total.Plus(row.Counts)
	}
	line("**all**", total)
	fmt.Fprintf(&out, "\nAfter restarts of the API server its Service led to it again after %s.\n", seconds(result.Found))
	fmt.Fprintf(&out, "\n%.0f minutes. Of the pods that stay all the while, none is without its class at the end. The most memory of a replica was %d MiB of the chart's 512, and none was ended for it; goroutines: %d before, %d after.\n",
		result.Took.Minutes(), result.PeakMiB, goroutines[0], goroutines[1])
	return out.String()
}

// seconds are times in words.
func seconds(times []time.Duration) string {
	var words []string
	for _, d := range times {
		words = append(words, fmt.Sprintf("%.1f s", d.Seconds()))
	}
	return strings.Join(words, ", ")
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
