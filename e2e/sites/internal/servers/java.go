package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

const (
	// oldestJava is what Infinispan 15 is compiled for.
	oldestJava = 17
	howToJava  = "debian: apt-get install openjdk-17-jdk-headless"
)

// findJava finds java in JAVA_HOME or PATH and reads what it says of itself.
func findJava(ctx context.Context) (path, version string, err error) {
	path = filepath.Join(os.Getenv("JAVA_HOME"), "bin", "java")
	if os.Getenv("JAVA_HOME") == "" {
		if path, err = exec.LookPath("java"); err != nil {
			return "", "", fmt.Errorf("infinispan needs java %d or newer, and there is none in PATH (%s): %w", oldestJava, howToJava, err)
		}
	}
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("ask %s for its version (%s): %w", path, howToJava, err)
	}
	major, err := javaMajor(string(out))
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", path, err)
	}
	if major < oldestJava {
		return "", "", fmt.Errorf("%s is java %d, and infinispan needs %d or newer (%s, or set JAVA_HOME)", path, major, oldestJava, howToJava)
	}
	return path, string(out), nil
}

// javaMajor reads the feature release from the answer of java -version: 17 from `version "17.0.15"`, 8
// from `version "1.8.0_392"`.
func javaMajor(answer string) (int, error) {
	found := regexp.MustCompile(`version "(?:1\.)?(\d+)`).FindStringSubmatch(answer)
	if found == nil {
		return 0, fmt.Errorf("java -version says nothing of a version: %q", answer)
	}
	return strconv.Atoi(found[1])
}

// withLock runs do while no other program does so under the same file.
func withLock(file string, do func() error) error {
	lock, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the lock of the cache: %w", err)
	}
	defer func() { _ = lock.Close() }() // which gives the lock up; nothing was written
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", file, err)
	}
	return do()
}
