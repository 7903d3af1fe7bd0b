// Package mlog stands in for monis.app/mlog, which module proxies do not serve any
// more. It offers what the Secrets Store CSI driver and the workload identity webhook
// call, and writes all of it through klog, as text: only the look of log lines differs.
package mlog

import (
	"context"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// LogLevel is a level by name, and LogFormat a way to write lines.
type (
	LogLevel  string
	LogFormat string
)

// LogSpec is what programs ask for by their flags.
type LogSpec struct {
	Level  LogLevel
	Format LogFormat
}

// The levels, and the formats, which all give text here.
const (
	LevelWarning LogLevel = ""
	LevelInfo    LogLevel = "info"
	LevelDebug   LogLevel = "debug"
	LevelTrace   LogLevel = "trace"
	LevelAll     LogLevel = "all"

	FormatText LogFormat = "text"
	FormatJSON LogFormat = "json"
)

var verbosities = map[LogLevel]klog.Level{LevelWarning: 0, LevelInfo: 2, LevelDebug: 4, LevelTrace: 6, LevelAll: 100}

var verbosity klog.Level

// ValidateAndSetLogLevelAndFormatGlobally sets the level of everything that logs.
func ValidateAndSetLogLevelAndFormatGlobally(ctx context.Context, spec LogSpec) error {
	return ValidateAndSetKlogLevelAndFormatGlobally(ctx, verbosities[spec.Level], spec.Format)
}

// ValidateAndSetKlogLevelAndFormatGlobally is the same for programs with klog's flags.
func ValidateAndSetKlogLevelAndFormatGlobally(_ context.Context, level klog.Level, _ LogFormat) error {
	verbosity = level
	return verbosity.Set(level.String())
}

// Enabled reports whether lines of that level are written.
func Enabled(level LogLevel) bool { return verbosity >= verbosities[level] }

// Setup gives what is to be called at the program's end.
func Setup() func() { return klog.Flush }

// Logr is the logger for libraries that ask for one.
func Logr() logr.Logger { return klog.Background() }

// Fatal ends the program.
func Fatal(err error) { klog.ErrorS(err, "fatal"); klog.FlushAndExit(klog.ExitFlushTimeout, 1) }

// Error logs without names or values.
func Error(msg string, err error, keysAndValues ...any) { New().Error(msg, err, keysAndValues...) }

// Logger has a name and values for each of its lines.
type Logger struct{ logr.Logger }

// New gives a logger without a name.
func New() Logger { return Logger{klog.Background()} }

// WithName gives one with a name.
func (l Logger) WithName(name string) Logger { return Logger{l.Logger.WithName(name)} }

// WithValues gives one with values.
func (l Logger) WithValues(keysAndValues ...any) Logger {
	return Logger{l.Logger.WithValues(keysAndValues...)}
}

// Error logs an error, in this package's order of arguments rather than logr's.
func (l Logger) Error(msg string, err error, keysAndValues ...any) {
	l.Logger.Error(err, msg, keysAndValues...)
}
