//go:build unix && !linux

package proc

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes gives a child a process group of its own. There is no Pdeathsig here: after a crash
// of the harness the pid files are what ends the children.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// standsStill asks ps for the state of the process.
func standsStill(pid int) (bool, error) {
	out, err := exec.Command("ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false, fmt.Errorf("ask ps about process %d: %w", pid, err)
	}
	return strings.HasPrefix(string(out), "T"), nil
}

// startStamp asks ps when pid was started.
func startStamp(pid int) (string, error) {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", fmt.Errorf("ask ps about process %d: %w", pid, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// resident asks ps, which answers in KiB.
func resident(pid int) int64 {
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return 0
	}
	kib, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
