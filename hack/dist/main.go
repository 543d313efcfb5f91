// Command dist builds release archives that anyone can build again byte by byte: the program for six platforms, each
// in an archive with all licences, for each a list of what is in it (SBOM, CycloneDX), a file of checksums, and the krew
// manifest. It needs nothing but Go.
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

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/completer"
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

// contents is the name of the list of what is in the archive, beside it.
func (p platform) contents() string {
	return "kubectl-ispn-resync_" + p.OS + "_" + p.Arch + ".cdx.json"
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
	return release(ctx, s, gotools{})
}

// compiler makes programs and knows what is in them.
type compiler interface {
	// build writes the program for a platform to a file.
	build(ctx context.Context, s settings, p platform, file string) error
	// modules lists what is compiled into it.
	modules(ctx context.Context, p platform) ([]dependency, error)
}

// gotools is the compiler in PATH.
type gotools struct{}

func (gotools) build(ctx context.Context, s settings, p platform, file string) error {
	return build(ctx, s, p, file)
}

func (gotools) modules(ctx context.Context, p platform) ([]dependency, error) {
	return dependencies(ctx, p, "./cmd/"+binary)
}

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

// release builds all archives, their lists of contents, the checksums and the manifests into the folder of the settings.
func release(ctx context.Context, s settings, with compiler) (err error) {
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
		if err := with.build(ctx, s, p, program); err != nil {
			return err
		}
		all, err := with.modules(ctx, p)
		if err != nil {
			return err
		}
		packed, contents, err := assemble(s, p, program, all)
		if err != nil {
			return fmt.Errorf("packing for %s/%s: %w", p.OS, p.Arch, err)
		}
		sums[p] = checksum(packed)
		for name, content := range map[string][]byte{p.archive(): packed, p.contents(): contents} {
			if err := os.WriteFile(filepath.Join(s.out, name), content, 0o644); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "%s  %s\n", sums[p], p.archive())
	}
	return writeTexts(s, sums)
}

// assemble makes the archive of a platform and the list of what is in it.
func assemble(s settings, p platform, program string, all []dependency) (packed, contents []byte, err error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, nil, err
	}
	own, err := os.ReadFile("LICENSE")
	if err != nil {
		return nil, nil, err
	}
	modules, err := licences(all)
	if err != nil {
		return nil, nil, err
	}
	name, script := completer.File(p.OS)
	files := []file{{"LICENSE", 0o644, own}, {p.program(), 0o755, content}, {name, 0o755, []byte(script)}}
	for _, m := range modules {
		files = append(files, m.files...)
	}
	if packed, err = pack(p, files); err != nil {
		return nil, nil, err
	}
	contents, err = sbom(s, p, content, modules)
	return packed, contents, err
}
