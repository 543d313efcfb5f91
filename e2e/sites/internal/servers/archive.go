package servers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

// archiveFile is where the archive of loaded classes (AppCDS) of this class path and this Java lies. The
// JVM takes none but the one made by itself from the very same class path.
func (a *Artifacts) archiveFile() string {
	sum := sha256.Sum256([]byte(a.javaVersion + a.ClassPath))
	return filepath.Join(a.Dir, "classes-"+hex.EncodeToString(sum[:6])+".jsa")
}

// HasArchive says whether servers start from an archive of loaded classes.
func (a *Artifacts) HasArchive() bool {
	_, err := os.Stat(a.archiveFile())
	return err == nil
}

// Train starts a server once, alone, and keeps the classes it loaded in the cache, so that later starts take
// about a third less time. It takes some 20 s and does nothing where that was done before. Servers start
// without the archive too: an error of Train need not end anything.
func (a *Artifacts) Train(ctx context.Context, group *proc.Group, dir string) error {
	return withLock(filepath.Join(a.Dir, "train.lock"), func() error {
		if a.HasArchive() {
			return nil
		}
		if err := a.train(ctx, group, dir); err != nil {
			return fmt.Errorf("make the class archive of infinispan %s: %w", a.Version.Name, err)
		}
		return nil
	})
}

func (a *Artifacts) train(ctx context.Context, group *proc.Group, dir string) (err error) {
	const site = "training"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	router, err := StartRouter(ctx, group, a, site, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, router.Stop(ctx)) }()
	user := Credentials{User: "nobody", Password: "nothing"}
	c, err := NewCluster(Config{
		Site: site, Sites: []string{site}, Artifacts: a, Group: group, Dir: dir,
		Router: router.Address(), Operator: user, Developer: user,
	})
	if err != nil {
		return err
	}
	fresh := a.archiveFile() + ".new"
	c.recordTo = fresh
	node, err := c.StartNode(ctx, "infinispan-0")
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := errors.Join(node.WaitReady(waiting), node.Stop(ctx)); err != nil {
		return err
	}
	if err := os.Rename(fresh, a.archiveFile()); err != nil {
		return fmt.Errorf("java wrote none; the server's log is %s: %w", node.LogFile(), err)
	}
	return nil
}
