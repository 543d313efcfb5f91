package controlplane

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNoCheckout says that the folder is not inside the project's checkout.
var ErrNoCheckout = errors.New("not inside a checkout of kubectl-ispn-resync")

// FindModule returns the folder e2e/kube of the checkout that dir lies in. Outside a checkout it is
// ErrNoCheckout.
func FindModule(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		module := filepath.Join(at, "e2e", "kube")
		if _, err := os.Stat(filepath.Join(module, "go.mod")); err == nil {
			return module, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is %w: go into it, the control plane's programs are built from its e2e/kube", dir, ErrNoCheckout)
		}
	}
}

// CacheDir is where built programs are kept between runs: kubectl-ispn-resync/kube in the user's
// cache folder.
func CacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder (set XDG_CACHE_HOME or HOME): %w", err)
	}
	return filepath.Join(cache, "kubectl-ispn-resync", "kube"), nil
}
