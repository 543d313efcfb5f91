package sites

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// requirements says at once, and all together, which programs the machine lacks and how to get them.
// Their versions are checked by those who use them.
func requirements() error {
	java := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	var missing []error
	for _, need := range []struct{ program, purpose, get string }{
		{"go", "builds the control plane", "https://go.dev/dl"},
		{java, "runs Infinispan, 17 or newer", "debian: apt-get install openjdk-17-jdk-headless; fedora: dnf install java-21-openjdk-devel"},
		{"mvn", "fetches Infinispan", "debian: apt-get install maven; fedora: dnf install maven"},
	} {
		if _, err := exec.LookPath(need.program); err != nil {
			missing = append(missing, fmt.Errorf("%s is needed (%s): %w; get it: %s", need.program, need.purpose, err, need.get))
		}
	}
	return errors.Join(missing...)
}
