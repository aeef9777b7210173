package cli

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// A command that stays catches signals again and again.
func TestSignalsLeaveNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 100 {
		_, stop := Signals(context.Background())
		stop()
		stop()
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+10; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
		}
	}
}
