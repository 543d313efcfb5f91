package proc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// Ports are chosen below the range that kernels use for outgoing connections (from 32768 on Linux),
// so that no connection takes a port between its choice and its use.
const (
	firstPort = 20000
	lastPort  = 31999
)

// portPool hands out loopback ports. Two harnesses may choose at the same time, and a port is chosen
// seconds before anything listens on it: so each port is held by a lock on a file, which the kernel
// gives up when its holder dies.
type portPool struct {
	dir string

	mu     sync.Mutex
	closed bool
	locks  map[int]*os.File
}

func newPortPool() (*portPool, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("kubectl-ispn-resync-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of port locks: %w", err)
	}
	return &portPool{dir: dir, locks: map[int]*os.File{}}, nil
}

func (p *portPool) take(n int) ([]int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("reserve ports: %w", ErrClosed)
	}
	ports := make([]int, 0, n)
	for _, i := range rand.Perm(lastPort - firstPort + 1) {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + i
		lock, err := p.lock(port)
		if errors.Is(err, errTaken) {
			continue
		}
		if err != nil {
			p.releaseLocked(ports...)
			return nil, fmt.Errorf("reserve port %d: %w", port, err)
		}
		p.locks[port] = lock
		ports = append(ports, port)
	}
	p.releaseLocked(ports...)
	return nil, fmt.Errorf("there are no %d free loopback ports between %d and %d", n, firstPort, lastPort)
}

// errTaken says that a port is held by someone else or in use.
var errTaken = errors.New("the port is taken")

// lock reserves one port, or returns errTaken.
func (p *portPool) lock(port int) (*os.File, error) {
	if p.locks[port] != nil {
		return nil, errTaken
	}
	file, err := os.OpenFile(filepath.Join(p.dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errTaken
		}
		return nil, errors.Join(err, file.Close())
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return nil, errors.Join(errTaken, err, file.Close())
	}
	if err := listener.Close(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (p *portPool) release(ports ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.releaseLocked(ports...)
}

func (p *portPool) releaseLocked(ports ...int) {
	for _, port := range ports {
		if lock := p.locks[port]; lock != nil {
			_ = lock.Close() // and with it the lock
			delete(p.locks, port)
		}
	}
}

func (p *portPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for port := range p.locks {
		p.releaseLocked(port)
	}
}
