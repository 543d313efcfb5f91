package sim

import (
	"errors"
	"time"
)

// What becomes of a request from one site to the other.
var (
	errTimeout     = errors.New("timed out")
	errUnreachable = errors.New("unreachable")
	errNoCache     = errors.New("ISPN000603: the cache is not there")
	errReceiving   = errors.New("already receiving")
)

// wireTime is how long a request takes one way over a link without delay; viewFast is how soon a site notices that its
// connections to the peer were closed.
const (
	wireTime = time.Millisecond
	viewFast = time.Second
)

// link is the connection between the two sites.
type link struct {
	// cut carries nothing; reset also closed the connections, so that both ends notice soon.
	cut, reset bool
	delay      time.Duration
}

// message is a request from one site to the other that waits somewhere on its way.
type message struct {
	from *Site
	// apply is what the peer does with it.
	apply func() error
	// answer is called once: with the peer's answer, or when the sender gives up.
	answer func(error)
}

// Cut makes the link carry nothing, in silence: neither site notices before ViewLoss has passed (V24, V51, V65). What is
// under way arrives when the link is healed in time.
func (w *World) Cut() { w.setLink(func(l *link) { l.cut, l.reset = true, false }) }

// Reset closes the connections between the sites and lets no new ones through: both sites notice within a second.
func (w *World) Reset() { w.setLink(func(l *link) { l.cut, l.reset = true, true }) }

// Delay makes everything between the sites take d longer, one way.
func (w *World) Delay(d time.Duration) { w.setLink(func(l *link) { l.delay = d }) }

// Heal ends Cut and Reset, not Delay. Sites that had lost each other see each other again after ViewReturn.
func (w *World) Heal() { w.setLink(func(l *link) { l.cut, l.reset = false, false }) }

func (w *World) setLink(change func(*link)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.link)
	w.contactsChanged()
}

// contact tells whether what a site sends is heard by its peer now.
func (s *Site) contact() bool {
	return !s.world.link.cut && !s.silent() && !s.peer().silent()
}

// contactsChanged lets the sites notice, in their own time, that they lost or found each other, and delivers what waited.
func (w *World) contactsChanged() {
	for _, s := range w.sites {
		contact := s.contact()
		if contact == s.contacted {
			continue
		}
		s.contacted = contact
		s.contacts++
		seen := s.contacts
		late := w.o.ViewLoss
		switch {
		case contact:
			late = w.o.ViewReturn
		case w.link.reset || s.peer().down():
			late = viewFast
		}
		if contact == s.sees {
			continue
		}
		w.agenda.after(late, func() { s.notice(seen, contact) })
	}
	for _, s := range w.sites {
		switch {
		case s.contact():
			s.flush()
		case s.peer().down():
			s.giveUp()
		}
	}
}

// notice changes a site's view of its peer, unless things changed again meanwhile.
func (s *Site) notice(seen int, contact bool) {
	if s.contacts != seen || s.sees == contact {
		return
	}
	if s.silent() {
		s.onVoice = append(s.onVoice, func() { s.notice(seen, contact) })
		return
	}
	s.sees = contact
	if !contact {
		// The connection is given up, with all that waits in it; what waits in a frozen peer's sockets stays.
		if s.world.link.cut {
			s.giveUp()
		}
		return
	}
	s.pushByItself()
}

// giveUp loses what waits on its way to the peer.
func (s *Site) giveUp() {
	waiting := s.waiting
	s.waiting = nil
	for _, m := range waiting {
		m.answer(errUnreachable)
	}
}

// send sends a request to the peer. It is answered exactly once: by the peer, or with an error after the timeout, or at
// once where the peer is not in the view. A request that timed out may still arrive (V14, V64).
func (s *Site) send(timeout time.Duration, apply func() error, answer func(error)) {
	w := s.world
	answered := false
	once := func(err error) {
		if !answered {
			answered = true
			answer(err)
		}
	}
	m := &message{from: s, apply: apply, answer: once}
	if !s.sees || s.peer().down() {
		w.agenda.after(wireTime, func() { once(errUnreachable) })
		return
	}
	w.agenda.after(timeout, func() { once(errTimeout) })
	w.agenda.after(wireTime+w.link.delay, func() { w.arrive(m) })
}

// arrive delivers a message, or lets it wait for the link or the peer.
func (w *World) arrive(m *message) {
	to := m.from.peer()
	switch {
	case w.o.Strangers: // the true peer of this site, wherever it is, takes everything
		w.agenda.after(wireTime+w.link.delay, func() { m.answer(nil) })
	case to.down(), w.link.reset:
		m.answer(errUnreachable)
	case !m.from.contact():
		m.from.waiting = append(m.from.waiting, m)
	default:
		err := m.apply()
		w.agenda.after(wireTime+w.link.delay, func() {
			if m.from.contact() {
				m.answer(err)
			}
		})
	}
}

// flush delivers what waited, in its order.
func (s *Site) flush() {
	waiting := s.waiting
	s.waiting = nil
	for _, m := range waiting {
		s.world.agenda.after(wireTime, func() { s.world.arrive(m) })
	}
}
