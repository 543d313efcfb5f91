package link

import (
	"net"
	"sync"
)

// proxy is one direction of the link: it accepts connections and carries them to target.
type proxy struct {
	listener *net.TCPListener
	target   *net.TCPAddr
	weather  *weather
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	pipes  map[*pipe]struct{}
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		conn, err := p.listener.AcceptTCP()
		if err != nil {
			// Only close ends a loopback listener.
			return
		}
		pipe := newPipe(conn)
		if !p.add(pipe) {
			pipe.abort()
			return
		}
		p.running.Go(func() {
			defer p.remove(pipe)
			p.carry(pipe)
		})
	}
}

// carry connects an accepted connection to the target, once the link lets it, and moves bytes both ways
// until both sides have ended.
func (p *proxy) carry(pipe *pipe) {
	defer pipe.close()
	if !p.weather.await(pipe.end) {
		return
	}
	conn, err := net.DialTCP("tcp", nil, p.target)
	if err != nil || !pipe.join(conn) {
		// Nobody there: the caller sees what it would have seen without the link.
		pipe.abort()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pipe.move(pipe.far, pipe.near, p.weather) })
	both.Go(func() { pipe.move(pipe.near, pipe.far, p.weather) })
	both.Wait()
}

func (p *proxy) add(pipe *pipe) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.pipes[pipe] = struct{}{}
	return true
}

func (p *proxy) remove(pipe *pipe) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pipes, pipe)
}

func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pipe := range p.pipes {
		pipe.abort()
	}
}

func (p *proxy) close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.reset()
	p.running.Wait()
	return err
}
