package controlplane

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Binaries are the absolute paths of the built programs.
type Binaries struct {
	Etcd, APIServer, ControllerManager, Kubectl string
}

// Logf receives one line of progress, without a line break.
type Logf func(format string, args ...any)

const (
	etcdPackage       = "go.etcd.io/etcd/server/v3"
	kubernetesModule  = "k8s.io/kubernetes"
	apiServerPackage  = kubernetesModule + "/cmd/kube-apiserver"
	controllerPackage = kubernetesModule + "/cmd/kube-controller-manager"
	kubectlPackage    = kubernetesModule + "/cmd/kubectl"
)

// Build returns the control plane's programs, built from the module in folder module (e2e/kube). What
// was built before from the same go.mod, go.sum and Go version is taken from cache, a folder that is
// made when missing. A cold build takes 5 to 15 minutes; log hears from it every few seconds. Two
// builds at the same time wait for each other.
func Build(ctx context.Context, module, cache string, log Logf) (Binaries, error) {
	key, flags, err := buildKey(ctx, module)
	if err != nil {
		return Binaries{}, err
	}
	dir := filepath.Join(cache, key)
	bin := Binaries{
		Etcd:              filepath.Join(dir, "etcd"),
		APIServer:         filepath.Join(dir, "kube-apiserver"),
		ControllerManager: filepath.Join(dir, "kube-controller-manager"),
		Kubectl:           filepath.Join(dir, "kubectl"),
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return Binaries{}, fmt.Errorf("make the folder of the control plane's programs: %w", err)
	}
	done := filepath.Join(dir, "complete")
	if _, err := os.Stat(done); err == nil {
		return bin, nil
	}
	unlock, err := lockFile(ctx, filepath.Join(dir, "lock"), log)
	if err != nil {
		return Binaries{}, err
	}
	defer unlock()
	if _, err := os.Stat(done); err == nil {
		return bin, nil
	}
	log("building etcd, kube-apiserver, kube-controller-manager and kubectl into %s (once; minutes when nothing is cached)", dir)
	// etcd's command is named after its module, v3, so it is built by its file name.
	if err := goBuild(ctx, module, bin.Etcd, "-s -w", log, etcdPackage); err != nil {
		return Binaries{}, err
	}
	if err := goBuild(ctx, module, dir+string(filepath.Separator), flags, log, apiServerPackage, controllerPackage, kubectlPackage); err != nil {
		return Binaries{}, err
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		return Binaries{}, fmt.Errorf("mark the build as complete: %w", err)
	}
	return bin, nil
}

// buildKey hashes all that decides what comes out of a build, and returns the linker flags that make
// the programs report the version they are.
func buildKey(ctx context.Context, module string) (key, ldflags string, err error) {
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", "", fmt.Errorf("the control plane's module is not there (is this the project's checkout?): %w", err)
	}
	sum, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", "", fmt.Errorf("read the control plane's go.sum: %w", err)
	}
	version, err := kubernetesVersion(mod)
	if err != nil {
		return "", "", err
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	cmd.Dir = module
	goVersion, err := cmd.Output()
	if err != nil {
		return "", "", fmt.Errorf("ask go for its version (https://go.dev/dl has it): %w", err)
	}
	ldflags = "-s -w -X k8s.io/component-base/version.gitVersion=" + version +
		" -X k8s.io/client-go/pkg/version.gitVersion=" + version
	hash := sha256.Sum256(bytes.Join([][]byte{mod, sum, goVersion, []byte(ldflags)}, []byte{0}))
	return hex.EncodeToString(hash[:8]), ldflags, nil
}

// kubernetesVersion reads the required version of k8s.io/kubernetes out of a go.mod.
func kubernetesVersion(mod []byte) (string, error) {
	match := regexp.MustCompile(`(?m)^\s*(?:require\s+)?k8s\.io/kubernetes\s+(v\S+)`).FindSubmatch(mod)
	if match == nil {
		return "", errors.New("the control plane's go.mod does not require k8s.io/kubernetes")
	}
	return string(match[1]), nil
}

// goBuild runs go build and says every few seconds how far it is: -v names each package that had to
// be compiled, on stderr.
func goBuild(ctx context.Context, module, output, ldflags string, log Logf, packages ...string) error {
	args := append([]string{"build", "-v", "-trimpath", "-ldflags", ldflags, "-o", output}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("build the control plane: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build the control plane (https://go.dev/dl has go): %w", err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	tail := report(lines, log)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", strings.Join(packages, ", "), err, strings.Join(tail, "\n"))
	}
	return nil
}

// report tells log about the lines as they come, at most every five seconds, and returns the last.
func report(lines <-chan string, log Logf) []string {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	began, count, said := time.Now(), 0, 0
	var tail []string
	for {
		select {
		case line, more := <-lines:
			if !more {
				return tail
			}
			count++
			tail = append(tail, line)
			tail = tail[max(0, len(tail)-30):]
		case <-tick.C:
			if count == said {
				log("  still building (%v)", time.Since(began).Round(time.Second))
				continue
			}
			said = count
			log("  %d packages compiled (%v), now %s", count, time.Since(began).Round(time.Second), tail[len(tail)-1])
		}
	}
}

// lockFile takes the lock on path, waiting for its holder, and returns what gives it up.
func lockFile(ctx context.Context, path string, log Logf) (func(), error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the build: %w", err)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for waited := false; ; waited = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock the build: %w", err), file.Close())
		}
		if !waited {
			log("waiting for another build of the control plane")
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for another build of the control plane: %w", ctx.Err()), file.Close())
		case <-tick.C:
		}
	}
}
