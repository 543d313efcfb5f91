package plugin

import (
	"context"
	"os"
	"os/user"
	"runtime"
	"strings"

	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/kube"
)

// RealDeps are the dependencies of the program itself: this process's environment, real clusters, the real engine.
func RealDeps(streams genericiooptions.IOStreams) Deps {
	return Deps{
		Streams:   streams,
		Terminal:  osTerminal{},
		LookupEnv: os.LookupEnv,
		Who:       who,
		Connect: func(ctx context.Context, options kube.Options) (Site, error) {
			return kube.Connect(ctx, options)
		},
		Infinispans:    kube.Infinispans,
		Keycloaks:      kube.Keycloaks,
		Clock:          xsite.WallClock{},
		Recover:        xsite.Recover,
		RunPhase:       xsite.RunPhase,
		Status:         xsite.Status,
		Kubernetes:     kube.KubernetesVersion,
		Versions:       xsite.Versions,
		Diff:           xsite.Diff,
		Check:          xsite.Check,
		Abort:          xsite.Abort,
		DiscardJournal: xsite.DiscardJournal,
		Prune:          xsite.Prune,
		Fence:          xsite.Fence,
		Lift:           xsite.Lift,
	}
}

// who names the person at the keyboard; what the system does not tell is called unknown.
func who() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil && h != "" {
		host = h
	}
	return name + "@" + host
}

// osTerminal asks the operating system.
type osTerminal struct{}

// IsTerminal implements Terminal.
func (osTerminal) IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Size implements Terminal.
func (osTerminal) Size(stream any) (columns, lines int, ok bool) {
	file, isFile := stream.(*os.File)
	if !isFile {
		return 0, 0, false
	}
	columns, lines, err := term.GetSize(int(file.Fd()))
	return columns, lines, err == nil && columns > 0
}

// screen is what may be drawn on one output stream.
type screen struct {
	// live allows moving the cursor, colour allows colours.
	live, colour bool
	// utf8 says that it is a terminal whose locale is one of UTF-8.
	utf8 bool
	// size gives the present columns and lines.
	size func() (columns, lines int)
}

// screenOf judges an output stream by what it is and by TERM, NO_COLOR and, on Windows, WT_SESSION: older consoles
// show escape sequences as they are.
func screenOf(deps Deps, stream any) screen {
	const columns, lines = 80, 24
	s := screen{size: func() (int, int) {
		if c, l, ok := deps.Terminal.Size(stream); ok {
			return c, l
		}
		return columns, lines
	}}
	if !deps.Terminal.IsTerminal(stream) {
		return s
	}
	if name, _ := deps.LookupEnv("TERM"); name == "dumb" {
		return s
	}
	if session, _ := deps.LookupEnv("WT_SESSION"); runtime.GOOS == "windows" && session == "" {
		return s
	}
	s.live = true
	s.utf8 = utf8Locale(deps)
	noColour, _ := deps.LookupEnv("NO_COLOR")
	s.colour = noColour == ""
	return s
}

// utf8Locale reads from the environment, as POSIX has it, whether texts are UTF-8. Windows' newer consoles always are.
func utf8Locale(deps Deps) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value, _ := deps.LookupEnv(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return runtime.GOOS == "windows"
}
