package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"akv-injector/internal/testing/await"
)

// lock takes the lock file at path for this process and gives the function that
// lets it go. The kernel does that too when the process ends, however it ends,
// so a killed run never leaves a lock behind. While another one has the lock,
// waiting is called once, and lock waits until ctx is done.
func lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	// flock cannot be told to stop waiting, so it is asked again and again.
	first := sync.OnceFunc(waiting)
	var failure error
	err = await.Poll{Every: 200 * time.Millisecond}.Success(ctx, "another process to release it", func(context.Context) error {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			first()
			return err
		}
		failure = err // no waiting changes it
		return nil
	})
	if err = errors.Join(err, failure); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The file stays: who waits for it has it open already, and would
	// then hold the lock of a file that nobody else can find.
	return func() { file.Close() }, nil
}
