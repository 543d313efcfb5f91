package plugin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheTimeOfTheQuestionDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, d, stop := withTimeout(t.Context(), time.Minute)
		defer stop()
		<-time.After(40 * time.Second)
		d.pause()
		<-time.After(time.Hour)
		d.resume()
		<-time.After(19 * time.Second)
		if ctx.Err() != nil {
			t.Fatalf("ended too early: %v", context.Cause(ctx))
		}
		<-time.After(2 * time.Second)
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) || !strings.Contains(cause.Error(), "--timeout 1m") {
			t.Errorf("the cause is %v", cause)
		}
	})
}

func TestNoTimeoutIsNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, d, stop := withTimeout(t.Context(), 0)
		defer stop()
		d.pause()
		d.resume()
		<-time.After(1000 * time.Hour)
		if ctx.Err() != nil {
			t.Errorf("ended: %v", context.Cause(ctx))
		}
	})
}
