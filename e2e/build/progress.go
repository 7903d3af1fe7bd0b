package build

import (
	"fmt"
	"io"
	"time"
)

// progress writes "<text> … " to log and gives the function that ends the line
// with the time that it took. What is over before delay is not reported at all.
func progress(log io.Writer, delay time.Duration, format string, args ...any) (done func(error)) {
	begun := time.Now()
	said := make(chan bool, 1)
	timer := time.AfterFunc(delay, func() {
		report(log, format+" … ", args...)
		said <- true
	})
	return func(err error) {
		if timer.Stop() {
			return
		}
		<-said // the line's beginning is written, so its end may follow
		verdict := ""
		if err != nil {
			verdict = "failed after "
		}
		report(log, "%s%s\n", verdict, spoken(time.Since(begun)))
	}
}

// report writes a line, or a part of one, to a log that may be nil. That a
// progress report cannot be written is no reason to stop.
func report(log io.Writer, format string, args ...any) {
	if log != nil {
		fmt.Fprintf(log, format, args...)
	}
}

// spoken gives a duration as people say it: "42 s", "4 min 30 s", "5 min".
func spoken(d time.Duration) string {
	minutes, seconds := int(d.Round(time.Second).Minutes()), int(d.Round(time.Second).Seconds())%60
	switch {
	case minutes == 0:
		return fmt.Sprintf("%d s", seconds)
	case seconds == 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	}
}
