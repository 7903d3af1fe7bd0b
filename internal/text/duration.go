package text

import "time"

// Duration formats d as Go does, without zero parts at its end: 2m, not 2m0s.
func Duration(d time.Duration) string {
	short := d.String()
	if d >= time.Minute && d%time.Minute == 0 {
		short = short[:len(short)-len("0s")]
	}
	if d >= time.Hour && d%time.Hour == 0 {
		short = short[:len(short)-len("0m")]
	}
	return short
}
