package kubelet

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// serveLogs answers "kubectl logs": the whole output of the workload or its last lines, and what
// follows until the workload dies. Output carries no times of its own, so options that need them are
// refused, not ignored.
func (k *Kubelet) serveLogs(w http.ResponseWriter, r *http.Request, worker *podWorker) {
	query := r.URL.Query()
	for _, option := range []string{"previous", "timestamps", "sinceSeconds", "sinceTime", "limitBytes"} {
		if value := query.Get(option); value != "" && value != "false" {
			http.Error(w, "the harness's pods keep no logs by "+option, http.StatusBadRequest)
			return
		}
	}
	workload := worker.current()
	if workload == nil {
		http.Error(w, "the container does not run", http.StatusBadRequest)
		return
	}
	if workload.LogFile() == "" {
		return
	}
	file, err := os.Open(workload.LogFile())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = file.Close() }()
	if err := seekTail(file, query); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	control := http.NewResponseController(w)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for last := query.Get("follow") != "true"; ; {
		if _, err := io.Copy(w, file); err != nil {
			return // the reader is gone
		}
		if err := control.Flush(); err != nil || last {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-k.ctx.Done():
			return
		case <-workload.Done():
			last = true
		case <-tick.C:
		}
	}
}

// seekTail moves to the start of the last lines that query asks for (tailLines), or leaves the file
// at its start.
func seekTail(file *os.File, query url.Values) error {
	if query.Get("tailLines") == "" {
		return nil
	}
	lines, err := strconv.Atoi(query.Get("tailLines"))
	if err != nil || lines < 0 {
		return errors.New("tailLines must be a number of lines")
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	_, err = file.Seek(tailOffset(data, lines), io.SeekStart)
	return err
}

// tailOffset is where the last lines of data begin.
func tailOffset(data []byte, lines int) int64 {
	if lines == 0 {
		return int64(len(data))
	}
	end := len(bytes.TrimSuffix(data, []byte("\n")))
	for range lines {
		if end = bytes.LastIndexByte(data[:end], '\n'); end < 0 {
			return 0
		}
	}
	return int64(end + 1)
}
