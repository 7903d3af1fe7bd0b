package sandbox

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// onAThreadOfItsOwn calls do on a thread that ends with the goroutine that calls this, and
// that is not the process's first: that one would stay, and is what /proc shows.
func onAThreadOfItsOwn(do func()) {
	runtime.LockOSThread() // and never unlocked
	if unix.Gettid() != os.Getpid() {
		do()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		onAThreadOfItsOwn(do)
	}()
	<-done // with the first thread taken, the other goroutine has another
	runtime.UnlockOSThread()
}
