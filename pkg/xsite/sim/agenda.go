package sim

import (
	"container/heap"
	"sync"
	"time"
)

// agenda is what is going to happen. Events happen in the order of their times, and of their making where these are
// equal, each under the world's lock: one timer carries them all, so that nothing depends on the order of goroutines.
type agenda struct {
	lock   *sync.Mutex
	events events
	made   int64
	timer  *time.Timer
	ended  bool
}

// event is one thing to happen.
type event struct {
	due  time.Time
	made int64
	act  func()
}

// after makes an event. The lock is held, here and when it happens.
func (a *agenda) after(d time.Duration, act func()) {
	if a.ended {
		return
	}
	a.made++
	heap.Push(&a.events, &event{due: now().Add(d), made: a.made, act: act})
	a.arm()
}

// arm sets the timer to the next event.
func (a *agenda) arm() {
	if a.timer != nil {
		a.timer.Stop()
	}
	if len(a.events) == 0 || a.ended {
		return
	}
	a.timer = time.AfterFunc(time.Until(a.events[0].due), a.run)
}

// run lets everything happen that is due.
func (a *agenda) run() {
	a.lock.Lock()
	defer a.lock.Unlock()
	for !a.ended && len(a.events) > 0 && !a.events[0].due.After(now()) {
		next, _ := heap.Pop(&a.events).(*event)
		next.act()
	}
	a.arm()
}

// stop forgets everything.
func (a *agenda) stop() {
	a.ended = true
	a.events = nil
	if a.timer != nil {
		a.timer.Stop()
	}
}

// events is a heap by time.
type events []*event

// Len counts them.
func (e *events) Len() int { return len(*e) }

// Less puts the earlier one first.
func (e *events) Less(i, j int) bool {
	a, b := (*e)[i], (*e)[j]
	if a.due.Equal(b.due) {
		return a.made < b.made
	}
	return a.due.Before(b.due)
}

// Swap exchanges two.
func (e *events) Swap(i, j int) { (*e)[i], (*e)[j] = (*e)[j], (*e)[i] }

// Push adds one.
func (e *events) Push(x any) {
	if next, ok := x.(*event); ok {
		*e = append(*e, next)
	}
}

// Pop takes the last one away.
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}
