// Package link is the network between two sites: a TCP proxy in each direction that can be cut, reset,
// slowed and healed. Both directions change together, since a link that fails one way only makes the
// sites' views disagree.
package link

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Link joins two sites, a and b, each of which listens on one address. Its methods may be called from
// any goroutine.
type Link struct {
	toA, toB *proxy
	weather  *weather
}

// Open starts the two proxies on free loopback ports: one that leads to address a, for site b to use,
// and one that leads to b, for a. Nothing needs to listen on a or b yet.
func Open(a, b string) (*Link, error) {
	w := newWeather()
	toA, err := listen(a, w)
	if err != nil {
		return nil, err
	}
	toB, err := listen(b, w)
	if err != nil {
		return nil, errors.Join(err, toA.close())
	}
	return &Link{toA: toA, toB: toB, weather: w}, nil
}

// ToA is the address (host:port) at which site b reaches site a.
func (l *Link) ToA() string { return l.toA.address() }

// ToB is the address (host:port) at which site a reaches site b.
func (l *Link) ToB() string { return l.toB.address() }

// Cut makes the link silent, as a lost route does: nothing is closed, what was sent waits, and a new
// connection is accepted but not answered. Heal lets what waited through, as TCP's retransmission would.
func (l *Link) Cut() { l.weather.cut() }

// Delay makes every byte that is sent from now on arrive d later, in either direction; a round trip takes
// 2d longer. Zero is no delay.
func (l *Link) Delay(d time.Duration) { l.weather.setDelay(d) }

// Heal ends a cut and a delay.
func (l *Link) Heal() { l.weather.heal() }

// Reset breaks every connection there is with a TCP reset on both of its ends. New ones fare as the link
// stands: a cut stays a cut.
func (l *Link) Reset() {
	l.toA.reset()
	l.toB.reset()
}

// Close ends the proxies and their connections, and returns when no goroutine of the link is left.
func (l *Link) Close() error {
	return errors.Join(l.toA.close(), l.toB.close())
}

// weather is the state both directions share.
type weather struct {
	mu      sync.Mutex
	passing chan struct{} // closed while bytes may pass
	delay   time.Duration
}

func newWeather() *weather {
	w := &weather{passing: make(chan struct{})}
	close(w.passing)
	return w
}

func (w *weather) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.passing:
		w.passing = make(chan struct{})
	default:
	}
}

func (w *weather) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = 0
	select {
	case <-w.passing:
	default:
		close(w.passing)
	}
}

func (w *weather) setDelay(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}

func (w *weather) now() (passing <-chan struct{}, delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.passing, w.delay
}

// await blocks while the link is cut. It returns false when end was closed first.
func (w *weather) await(end <-chan struct{}) bool {
	for {
		passing, _ := w.now()
		select {
		case <-end:
			return false
		case <-passing:
		}
		// Cut again between the signal and now? Then wait for that one to heal.
		if again, _ := w.now(); again == passing {
			return true
		}
	}
}

func listen(target string, w *weather) (*proxy, error) {
	address, err := net.ResolveTCPAddr("tcp", target)
	if err != nil {
		return nil, fmt.Errorf("open the link to %s: %w", target, err)
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("open the link to %s: %w", target, err)
	}
	p := &proxy{listener: listener, target: address, weather: w, pipes: map[*pipe]struct{}{}}
	p.running.Go(p.accept)
	return p, nil
}
