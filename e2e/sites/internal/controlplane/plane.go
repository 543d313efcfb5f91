package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/proc"
)

const (
	adminUser         = "admin"
	adminGroup        = "system:masters"
	kubeletClientUser = "kube-apiserver-kubelet-client"
	// Namespace is the default namespace of every kubeconfig context.
	Namespace = "keycloak"
)

// Options say what to start and where.
type Options struct {
	// Group starts the processes and reserves their ports.
	Group *proc.Group
	// Binaries are what Build returned.
	Binaries Binaries
	// Dir takes keys, data, logs and kubeconfigs. It must be empty or absent: data of an earlier
	// plane would not fit the new keys.
	Dir string
	// Sites names the sites; each is also its kubeconfig context.
	Sites []string
	// Log hears about each step.
	Log Logf
}

// Plane is the running control plane of all sites. The process group given to Start ends it.
type Plane struct {
	dir     string
	ca      *authority
	servers map[string]string // site -> URL of its apiserver
	configs map[string]*rest.Config
	names   []string
}

// Start starts etcd and the sites' apiservers and controller managers and returns when all apiservers
// are ready (about 5 s). On an error the processes started so far are left to the group's Close. A
// process that dies during the start ends it at once, and the error quotes its log.
func Start(ctx context.Context, o Options) (*Plane, error) {
	p := &Plane{dir: o.Dir, servers: map[string]string{}, configs: map[string]*rest.Config{}, names: o.Sites}
	for _, dir := range []string{"pki", "logs", "users"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, dir), 0o700); err != nil {
			return nil, fmt.Errorf("make the control plane's folder: %w", err)
		}
	}
	files, err := p.writeKeys()
	if err != nil {
		return nil, err
	}
	ports, err := o.Group.Ports(2 + len(o.Sites))
	if err != nil {
		return nil, err
	}
	etcdURL := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	processes := make([]*proc.Process, 0, 1+len(o.Sites))
	start := func(name, path string, args []string) error {
		process, err := o.Group.Start(proc.Spec{
			Name: name, Path: path, Args: args,
			LogFile: filepath.Join(o.Dir, "logs", name+".log"),
			// Their data is thrown away with them; there is nothing to finish.
			Grace: 3 * time.Second,
		})
		if err == nil {
			processes = append(processes, process)
		}
		return err
	}
	o.Log("starting etcd and the apiservers of %s", strings.Join(o.Sites, " and "))
	if err := start("etcd", o.Binaries.Etcd, etcdArgs(filepath.Join(o.Dir, "etcd"), etcdURL, ports[1])); err != nil {
		return nil, err
	}
	for i, site := range o.Sites {
		port := ports[2+i]
		p.servers[site] = fmt.Sprintf("https://127.0.0.1:%d", port)
		if err := start("apiserver-"+site, o.Binaries.APIServer, apiServerArgs(site, etcdURL, port, files)); err != nil {
			return nil, err
		}
	}
	if err := p.writeKubeconfigs(); err != nil {
		return nil, err
	}
	for _, site := range o.Sites {
		if err := p.waitReady(ctx, site, processes); err != nil {
			return nil, err
		}
		if err := start("controller-manager-"+site, o.Binaries.ControllerManager,
			controllerManagerArgs(p.siteKubeconfig(site), files)); err != nil {
			return nil, err
		}
		o.Log("the apiserver of %s is ready", site)
	}
	return p, nil
}

// RESTConfig returns a fresh client configuration of site as cluster administrator, without client
// side throttling.
func (p *Plane) RESTConfig(site string) (*rest.Config, error) {
	config, ok := p.configs[site]
	if !ok {
		return nil, fmt.Errorf("there is no site %q, there are %s", site, strings.Join(p.names, " and "))
	}
	return rest.CopyConfig(config), nil
}

// waitReady asks the apiserver of site until it calls itself ready.
func (p *Plane) waitReady(ctx context.Context, site string, processes []*proc.Process) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	config, err := p.RESTConfig(site)
	if err != nil {
		return err
	}
	config.Timeout = 2 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for %s: %w", site, err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return nil
		}
		for _, process := range processes {
			select {
			case <-process.Done():
				return fmt.Errorf("%s ended during its start (%w); the end of %s:\n%s",
					process.Name(), orNone(process.Err()), process.LogFile(), logTail(process.LogFile()))
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the apiserver of %s did not get ready: %w (last answer: %w)", site, ctx.Err(), err)
		case <-tick.C:
		}
	}
}

func orNone(err error) error {
	if err == nil {
		return errors.New("exit code 0")
	}
	return err
}

// logTail returns the last lines of a log, as much as helps in an error.
func logTail(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
