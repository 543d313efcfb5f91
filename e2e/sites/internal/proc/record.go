package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Record is what a pid file says (JSON).
type Record struct {
	// Name is the name the process was started under.
	Name string `json:"name"`
	// PID is its process id and the id of its process group.
	PID int `json:"pid"`
	// Start is an opaque stamp of when the kernel started the process (from /proc/PID/stat and the
	// boot id on Linux). A process of the same id with another stamp is another process.
	Start string `json:"start"`
}

// WriteRecord writes a pid file for the running process pid, for a process that was not started by a
// Group (the harness's own daemon).
func WriteRecord(path, name string, pid int) error { return writeRecord(path, name, pid) }

// ReadRecord reads a pid file. The error of a missing file is os.ErrNotExist.
func ReadRecord(path string) (Record, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Record{}, fmt.Errorf("read a pid file: %w", err)
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

// Alive says whether the process the record names still runs: the same id and the same start.
func (r Record) Alive() bool {
	stamp, err := startStamp(r.PID)
	return err == nil && stamp == r.Start
}

// Clean kills every process that a pid file in dir names and that is still the one it was written
// for, with its group, and removes the files. It returns the records of the processes it killed. A
// missing dir is an empty one.
func Clean(dir string) ([]Record, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.pid"))
	if err != nil {
		return nil, fmt.Errorf("look for pid files: %w", err)
	}
	var killed []Record
	var failures []error
	for _, file := range files {
		r, err := ReadRecord(file)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if r.Alive() {
			if err := syscall.Kill(-r.PID, killSignal); err != nil && !errors.Is(err, syscall.ESRCH) {
				failures = append(failures, fmt.Errorf("kill %s (pid %d): %w", r.Name, r.PID, err))
				continue
			}
			killed = append(killed, r)
		}
		failures = append(failures, os.Remove(file))
	}
	return killed, errors.Join(failures...)
}

func writeRecord(path, name string, pid int) error {
	stamp, err := startStamp(pid)
	if err != nil {
		return fmt.Errorf("note the start of %s: %w", name, err)
	}
	data, err := json.Marshal(Record{Name: name, PID: pid, Start: stamp})
	if err != nil {
		return fmt.Errorf("write a pid file: %w", err)
	}
	// Renamed into place: a reader after a crash sees a whole file or none.
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("write a pid file: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write a pid file: %w", err)
	}
	return nil
}
