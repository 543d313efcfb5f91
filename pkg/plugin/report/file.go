package report

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/plugin/api"
)

// formats maps the endings of files to what writes them.
func formats() map[string]func(io.Writer, api.Report) error {
	return map[string]func(io.Writer, api.Report) error{".json": writeJSON, ".md": writeMarkdown, ".html": writeHTML}
}

// Endings lists the endings of files that a report can have, without their dots.
func Endings() []string { return []string{"html", "json", "md"} }

// mode is that of a file that others may read: a report holds no secret. The umask narrows it.
const mode = 0o644

// File is a file that a report is written to.
type File struct {
	path  string
	write func(io.Writer, api.Report) error
}

// NewFile judges a path: its ending must be one of Endings, and its folder must take a new file, which is tried. The file
// itself is not touched.
func NewFile(path string) (*File, error) {
	write, ok := formats()[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return nil, fmt.Errorf("%q ends in none of .%s", path, strings.Join(Endings(), ", ."))
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is there already and no file", path)
	}
	f := &File{path: path, write: write}
	probe, err := f.temporary()
	if err != nil {
		return nil, fmt.Errorf("%q cannot be written: %w", path, err)
	}
	return f, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Path is the path of the file.
func (f *File) Path() string { return f.path }

// SetAside moves a file that is there already out of the way, to NAME.1.ENDING or the next number that is free: the report
// of a run that failed is still wanted when the same command is run again. It returns the new path, empty when there was
// nothing.
func (f *File) SetAside() (string, error) {
	if _, err := os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	ending := filepath.Ext(f.path)
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.%d%s", strings.TrimSuffix(f.path, ending), n, ending)
		if _, err := os.Lstat(aside); err == nil {
			continue
		}
		if err := os.Rename(f.path, aside); err != nil {
			return "", fmt.Errorf("move the earlier report out of the way: %w", err)
		}
		return aside, nil
	}
}

// Write writes the report in place of what is in the file. Whoever reads it sees the one or the other, never a part.
func (f *File) Write(report api.Report) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the report %s: %w", f.path, err)
		}
	}()
	out, err := f.temporary()
	if err != nil {
		return err
	}
	err = f.write(out, report)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}

// temporary makes a new file beside the file.
func (f *File) temporary() (*os.File, error) {
	var b [4]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	name := filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+"."+hex.EncodeToString(b[:])+".tmp")
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // the user names the path, and may read it with others
}

// writeJSON writes a report for programs.
func writeJSON(out io.Writer, report api.Report) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}
