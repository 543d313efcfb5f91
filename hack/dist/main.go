// Command dist builds release archives that anyone can build again byte by byte: the program for six platforms, each
// in an archive with the licence, a file of checksums, and the krew manifest. It needs nothing but Go.
//
// The archives hold no time, no user and no path of the machine they were made on; two machines with the same Go
// version and the same commit make the same files.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
)

// module is the import path of the repository.
const module = "github.com/ispn-resync/kubectl-ispn-resync"

// binary is the name by which kubectl and krew find the program.
const binary = "kubectl-ispn_resync"

// platform is what one archive is for.
type platform struct{ OS, Arch string }

// platforms lists those that are released.
func platforms() []platform {
	var all []platform
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			all = append(all, platform{system, arch})
		}
	}
	return all
}

// program is the name of the executable.
func (p platform) program() string {
	if p.OS == "windows" {
		return binary + ".exe"
	}
	return binary
}

// archive is the name of the archive.
func (p platform) archive() string {
	extension := ".tar.gz"
	if p.OS == "windows" {
		extension = ".zip"
	}
	return "kubectl-ispn-resync_" + p.OS + "_" + p.Arch + extension
}

// settings are what one call is to do.
type settings struct {
	version, commit, releases, out, only string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// run is main with an error.
func run(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	flags.StringVar(&s.version, "version", "v0.0.0-dev", "the release, with a leading v")
	flags.StringVar(&s.commit, "commit", "unknown", "the commit it is built from")
	flags.StringVar(&s.releases, "releases", "", "where archives are downloaded from, without the version")
	flags.StringVar(&s.out, "out", "dist", "the folder to write to")
	flags.StringVar(&s.only, "only", "", "host: build the bare program for this machine only")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(s.version) {
		return fmt.Errorf("the version %q is no semantic version with a leading v", s.version)
	}
	if s.only == "host" {
		host := platform{runtime.GOOS, runtime.GOARCH}
		return build(ctx, s, host, filepath.Join(s.out, host.program()))
	}
	return release(ctx, s, build)
}

// builder compiles the program for a platform.
type builder func(ctx context.Context, s settings, p platform, file string) error

// build compiles with everything left out of the program that would differ from machine to machine.
func build(ctx context.Context, s settings, p platform, file string) error {
	ldflags := fmt.Sprintf("-s -w -buildid= -X %[1]s/pkg/plugin/version.version=%[2]s -X %[1]s/pkg/plugin/version.commit=%[3]s",
		module, s.version, s.commit)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", file, "./cmd/"+binary)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Arch, "GOFLAGS=")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building for %s/%s: %w", p.OS, p.Arch, err)
	}
	return nil
}

// release builds all archives, the checksums and the manifests into the folder of the settings.
func release(ctx context.Context, s settings, build builder) (err error) {
	licence, err := os.ReadFile("LICENSE")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(s.out, ".build-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	sums := map[platform]string{}
	for _, p := range platforms() {
		program := filepath.Join(work, p.OS, p.Arch, p.program())
		if err := build(ctx, s, p, program); err != nil {
			return err
		}
		content, err := os.ReadFile(program)
		if err != nil {
			return err
		}
		packed, err := pack(p, []file{{"LICENSE", 0o644, licence}, {p.program(), 0o755, content}})
		if err != nil {
			return fmt.Errorf("packing for %s/%s: %w", p.OS, p.Arch, err)
		}
		sums[p] = checksum(packed)
		if err := os.WriteFile(filepath.Join(s.out, p.archive()), packed, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s  %s\n", sums[p], p.archive())
	}
	return writeTexts(s, sums)
}
