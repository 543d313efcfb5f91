package servers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	pom "github.com/ispn-resync/kubectl-ispn-resync/e2e/servers"
)

// Artifacts are what is needed to start the JVMs of one Infinispan release.
type Artifacts struct {
	// Version is the release.
	Version Version
	// Java is the path of the java command.
	Java string
	// ClassPath is the server's class path: jar files separated as the platform does. It holds the Hot
	// Rod client and JGroups' GossipRouter too.
	ClassPath string
	// Dir is the cache folder of this release; it outlives the harness.
	Dir string

	javaVersion string
}

// Source says which release [Resolve] shall fetch, and how.
type Source struct {
	// Version is the Maven version of a release in [Versions]; empty means [DefaultVersion].
	Version string
	// CacheDir keeps resolved class paths between runs; empty means kubectl-ispn-resync/servers in
	// os.UserCacheDir.
	CacheDir string
	// Log receives what Maven says while it downloads: a cold run takes a minute or more. Nil is silence.
	Log io.Writer
}

// Resolve finds Java and the class path of a release, through Maven when it is not in the cache or when
// a jar of it has gone. Safe to be called by several programs at once. A missing java or mvn, or a Java
// older than 17, is an error that says how to get it.
func Resolve(ctx context.Context, src Source) (*Artifacts, error) {
	version, err := ParseVersion(src.Version)
	if err != nil {
		return nil, err
	}
	java, javaVersion, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	cache := src.CacheDir
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("find the user's cache folder: %w", err)
		}
		cache = filepath.Join(base, "kubectl-ispn-resync", "servers")
	}
	if src.Log == nil {
		src.Log = io.Discard
	}
	sum := sha256.Sum256(pom.XML)
	dir := filepath.Join(cache, version.Name+"-"+hex.EncodeToString(sum[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache folder of infinispan %s: %w", version.Name, err)
	}
	a := &Artifacts{Version: version, Java: java, Dir: dir, javaVersion: javaVersion}
	// Maven's own repository does not stand two Mavens that fetch the same file, so one lock for all.
	err = withLock(filepath.Join(cache, "lock"), func() error {
		a.ClassPath, err = a.classPath(ctx, src.Log)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// classPath reads the cached class path or asks Maven for it.
func (a *Artifacts) classPath(ctx context.Context, log io.Writer) (string, error) {
	file := filepath.Join(a.Dir, "classpath")
	if cached, err := os.ReadFile(file); err == nil && allExist(string(cached)) {
		return string(cached), nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the cached class path: %w", err)
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("infinispan's servers are fetched by maven, which is not installed (debian: apt-get install maven): %w", err)
	}
	project := filepath.Join(a.Dir, "pom.xml")
	if err := os.WriteFile(project, pom.XML, 0o644); err != nil {
		return "", fmt.Errorf("write the maven project: %w", err)
	}
	fresh := file + ".new"
	_, _ = fmt.Fprintf(log, "fetching the jars of infinispan %s with maven\n", a.Version.Name)
	cmd := exec.CommandContext(ctx, mvn, "-B", "-f", project, "dependency:build-classpath",
		"-DincludeScope=runtime", "-Dmdep.outputFile="+fresh, "-Dinfinispan.version="+a.Version.Name)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("resolve the class path of infinispan %s with maven (%s): %w", a.Version.Name, project, err)
	}
	resolved, err := os.ReadFile(fresh)
	if err != nil {
		return "", fmt.Errorf("read the class path that maven wrote: %w", err)
	}
	if !allExist(string(resolved)) {
		return "", fmt.Errorf("maven resolved infinispan %s, but a jar it names is not there (%s)", a.Version.Name, fresh)
	}
	if err := os.Rename(fresh, file); err != nil {
		return "", fmt.Errorf("keep the class path: %w", err)
	}
	return string(resolved), nil
}

// allExist says whether a class path names at least one file, and only files that are there.
func allExist(classPath string) bool {
	entries := filepath.SplitList(strings.TrimSpace(classPath))
	for _, entry := range entries {
		if info, err := os.Stat(entry); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return len(entries) > 0
}
