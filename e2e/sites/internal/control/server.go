package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Handler does one request; what it has to say goes to say, a line at a time.
type Handler func(ctx context.Context, request Request, say func(format string, args ...any)) error

// Serve answers requests for the pair in dir by handle until ctx ends, and then returns nil. A socket
// that a dead daemon left there is replaced.
func Serve(ctx context.Context, dir string, handle Handler) error {
	socket, err := SocketPath(dir)
	if err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an old control socket: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return errors.Join(fmt.Errorf("protect the control socket: %w", err), listener.Close())
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, handle) }),
		ReadHeaderTimeout: 10 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the control socket: %w", err)
	case <-ctx.Done():
	}
	// An answer that is being given (that of "down") may end.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err = server.Shutdown(grace)
	if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

func answer(w http.ResponseWriter, r *http.Request, handle Handler) {
	var request Request
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	control := http.NewResponseController(w)
	var mu sync.Mutex
	write := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		// Whoever asked may be gone; what was asked is done all the same.
		if _, err := fmt.Fprintln(w, line); err == nil {
			_ = control.Flush() // likewise
		}
	}
	err := handle(r.Context(), request, func(format string, args ...any) {
		for line := range bytes.Lines(fmt.Appendf(nil, format, args...)) {
			write(lineOutput + string(bytes.TrimSuffix(line, []byte("\n"))))
		}
	})
	switch {
	case err == nil:
		write(lineDone)
		return
	case errors.Is(err, ErrUnequal):
		write(lineUnequal)
		return
	}
	// As JSON: an error may have several lines.
	message, encodeErr := json.Marshal(err.Error())
	if encodeErr != nil {
		message = []byte(`"the error cannot be written"`)
	}
	write(lineFailed + string(message))
}
