package link

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	chunkSize = 32 << 10
	// inFlight is how many chunks may be under way on a slow link; beyond it the sender is held back, as
	// by a full window. It allows 100 MB/s at a delay of 80 ms.
	inFlight = 256
)

// pipe is one connection over the link: near is the side that connected, far the site it leads to.
type pipe struct {
	near *net.TCPConn
	end  chan struct{} // closed when the pipe was aborted or is done

	mu    sync.Mutex
	far   *net.TCPConn
	ended bool
}

// chunk is what was read in one piece, and when it may arrive. One without data is the end of the
// stream: err is io.EOF for an orderly one.
type chunk struct {
	data []byte
	err  error
	due  time.Time
}

func newPipe(near *net.TCPConn) *pipe { return &pipe{near: near, end: make(chan struct{})} }

// join adds the far side. It is false when the pipe was aborted meanwhile; far is reset then.
func (p *pipe) join(far *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		_ = far.SetLinger(0)
		_ = far.Close()
		return false
	}
	p.far = far
	return true
}

// abort resets both sides: the kernel discards what is unsent and sends RST.
func (p *pipe) abort() { p.finish(true) }

func (p *pipe) close() { p.finish(false) }

func (p *pipe) finish(reset bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.ended = true
	close(p.end)
	for _, side := range []*net.TCPConn{p.near, p.far} {
		if side == nil {
			continue
		}
		if reset {
			_ = side.SetLinger(0)
		}
		// Nothing can be done about a close that fails, and the peer learns of it either way.
		_ = side.Close()
	}
}

// move carries bytes from one side to the other through the weather, and hands on the end of the stream.
// A side that was reset resets the other.
func (p *pipe) move(to, from *net.TCPConn, w *weather) {
	chunks := make(chan chunk, inFlight)
	var reader sync.WaitGroup
	reader.Go(func() { p.read(chunks, from, w) })
	defer reader.Wait()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for c := range chunks {
		timer.Reset(time.Until(c.due))
		select {
		case <-timer.C:
		case <-p.end:
			return
		}
		if !w.await(p.end) {
			return
		}
		if c.data == nil && errors.Is(c.err, io.EOF) {
			// One that has failed already fails its reader too.
			_ = to.CloseWrite()
			return
		}
		if c.err != nil {
			p.abort()
			return
		}
		if _, err := to.Write(c.data); err != nil {
			p.abort()
			return
		}
	}
}

// read stamps what arrives with the time it is due.
func (p *pipe) read(chunks chan<- chunk, from *net.TCPConn, w *weather) {
	defer close(chunks)
	for {
		buffer := make([]byte, chunkSize)
		n, err := from.Read(buffer)
		_, delay := w.now()
		due := time.Now().Add(delay)
		if n > 0 && !p.hand(chunks, chunk{data: buffer[:n], due: due}) {
			return
		}
		if err != nil {
			p.hand(chunks, chunk{err: err, due: due})
			return
		}
	}
}

// hand is false when the pipe has ended: an error of a side that we closed ourselves is no news.
func (p *pipe) hand(chunks chan<- chunk, c chunk) bool {
	select {
	case <-p.end:
		return false
	default:
	}
	select {
	case chunks <- c:
		return true
	case <-p.end:
		return false
	}
}
