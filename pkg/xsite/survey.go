package xsite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// site is the engine's view of one site: where it is, who answers there, and what it is called.
type site struct {
	role    Role
	cluster Cluster
	place   Place
	// name is the site name as its servers tell it; never typed, never guessed.
	name    string
	version string
	members []member
	// surveyed guards members: who waits for one site looks at the other meanwhile.
	surveyed sync.Mutex
}

// member is one Infinispan server of a site with its own connection.
type member struct {
	pod  Pod
	node Node
	info infinispan.NodeInfo
}

// identity is who a site's servers are: one line per server, sorted. A server that left, joined or restarted changes it.
type identity []string

// newSite makes the view of a site that has not been surveyed.
func newSite(role Role, cluster Cluster) *site {
	return &site{role: role, cluster: cluster, place: cluster.Place()}
}

// String names the site as messages do.
func (s *site) String() string {
	if s.name == "" {
		return fmt.Sprintf("%s (%s)", s.role, s.place)
	}
	return fmt.Sprintf("%s %s (%s)", s.role, s.name, s.place)
}

// survey lists the pods of the site and asks each of them who it is. It changes nothing but the site's members. A known site
// without any pod is one whose servers are gone: its members stay those of before.
func (s *site) survey(ctx context.Context) error {
	pods, err := s.cluster.Pods(ctx)
	if err != nil {
		return fmt.Errorf("list the Infinispan pods of the %s: %w", s, err)
	}
	if len(pods) == 0 && s.name != "" {
		return fmt.Errorf("the %s has no Infinispan pod any more: %w", s, ErrPodGone)
	}
	members := make([]member, len(pods))
	group, ctx := errgroup.WithContext(ctx)
	for i, pod := range pods {
		group.Go(func() (err error) {
			members[i], err = s.meet(ctx, s.cluster, pod)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.setMembers(members)
	return nil
}

// answerLimit is how long a server is given where the others will do as well.
const answerLimit = 10 * time.Second

// surveyAnswering is survey for what can be done with a part of the servers: those that answer in time are the members. It
// returns what is said of each of the others; none that answers is an error.
func (s *site) surveyAnswering(ctx context.Context) (silent []error, err error) {
	members, silent, err := s.answering(ctx, s.cluster)
	if err != nil {
		return silent, err
	}
	s.setMembers(members)
	return silent, nil
}

// answering asks the servers of now who they are, through cluster, and returns those that answer in time, with what is said of each
// of the others. None that answers is an error. It changes nothing, so it may run beside anything.
func (s *site) answering(ctx context.Context, cluster Cluster) (members []member, silent []error, err error) {
	pods, err := cluster.Pods(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list the Infinispan pods of the %s: %w", s, err)
	}
	met, problems := make([]member, len(pods)), make([]error, len(pods))
	var all sync.WaitGroup
	for i, pod := range pods {
		all.Go(func() {
			ctx, cancel := context.WithTimeoutCause(ctx, answerLimit, fmt.Errorf("no answer within %s", answerLimit))
			defer cancel()
			met[i], problems[i] = s.meet(ctx, cluster, pod)
		})
	}
	all.Wait()
	for i, problem := range problems {
		if problem != nil {
			silent = append(silent, problem)
			continue
		}
		members = append(members, met[i])
	}
	if len(members) == 0 {
		return nil, silent, errors.Join(fmt.Errorf("no Infinispan pod of the %s answers", s), errors.Join(silent...))
	}
	return members, silent, nil
}

// meet connects to a pod and asks it who it is.
func (s *site) meet(ctx context.Context, cluster Cluster, pod Pod) (member, error) {
	node, err := cluster.Node(ctx, pod)
	if err != nil {
		return member{}, fmt.Errorf("connect to pod %s of the %s: %w", pod.Name, s, err)
	}
	info, err := node.Info(ctx)
	if err != nil {
		return member{}, fmt.Errorf("ask pod %s of the %s who it is: %w", pod.Name, s, err)
	}
	return member{pod: pod, node: node, info: info}, nil
}

// setMembers notes who answers.
func (s *site) setMembers(members []member) {
	s.surveyed.Lock()
	defer s.surveyed.Unlock()
	s.members = members
}

// identity returns who the members are, as last surveyed.
func (s *site) identity() identity {
	lines := make(identity, 0, len(s.lastSurveyed()))
	for _, m := range s.lastSurveyed() {
		lines = append(lines, fmt.Sprintf("pod %s uid %s restarts %d server %s", m.pod.Name, m.pod.UID, m.pod.Restarts, m.info.NodeName))
	}
	slices.Sort(lines)
	return lines
}

// relay returns the member that speaks for the site towards its peer: the relay node (V50), which is where the sites
// view is known, and where pushes are started. Before any relay is known it is the coordinator, then the first member.
func (s *site) relay() member {
	members := s.lastSurveyed()
	for _, m := range members {
		if m.info.RelayNode {
			return m
		}
	}
	for _, m := range members {
		if m.info.Coordinator {
			return m
		}
	}
	return members[0]
}

// relayOfNow finds the relay node among the servers that answer now, without patience.
func (s *site) relayOfNow(ctx context.Context) (member, bool) {
	members, _, err := s.answering(ctx, impatientCluster(s.cluster))
	if err != nil {
		return member{}, false
	}
	i := slices.IndexFunc(members, func(m member) bool { return m.info.RelayNode })
	if i < 0 {
		return member{}, false
	}
	return members[i], true
}

// lastSurveyed gives the members as they were last surveyed, also to who runs beside a survey.
func (s *site) lastSurveyed() []member {
	s.surveyed.Lock()
	defer s.surveyed.Unlock()
	return s.members
}

// podNames lists the names of the members' pods.
func (s *site) podNames() string {
	names := make([]string, 0, len(s.lastSurveyed()))
	for _, m := range s.lastSurveyed() {
		names = append(names, m.pod.Name)
	}
	return strings.Join(names, ", ")
}

// each calls do for every member at the same time and returns the first error, naming the pod.
func (s *site) each(ctx context.Context, do func(ctx context.Context, m member) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range s.lastSurveyed() {
		group.Go(func() error {
			if err := do(ctx, m); err != nil {
				return fmt.Errorf("pod %s of the %s: %w", m.pod.Name, s, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// eachCache calls do for every cache of the plan, a few at a time, and returns the first error.
func eachCache(ctx context.Context, caches []CachePlan, do func(ctx context.Context, c CachePlan) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cachesAtOnce)
	for _, c := range caches {
		group.Go(func() error {
			if err := do(ctx, c); err != nil {
				return fmt.Errorf("cache %s: %w", c.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// cachesAtOnce bounds how many caches are asked about at the same time.
const cachesAtOnce = 4
