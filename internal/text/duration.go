package text

import "time"

// Duration writes 2m where Go writes 2m0s.
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
