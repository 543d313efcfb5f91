package fill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/servers"
)

// Side is one site to fill: the node to write through, its user, and a REST client of the same site.
type Side struct {
	Site   string
	Node   *servers.Node
	User   servers.Credentials
	Client *rest.Client
}

// Both writes the same entries into cache of two sites, each on its own: each site is taken offline on the
// other for that cache, both are filled at the same time, and both are brought online again, also after a
// failure. Afterwards both have the same number of entries, or it is an error.
func Both(ctx context.Context, artifacts *servers.Artifacts, cache string, entries Entries, a, b Side) error {
	err := errors.Join(
		a.Client.Backup(ctx, cache, b.Site, rest.TakeOffline),
		b.Client.Backup(ctx, cache, a.Site, rest.TakeOffline),
	)
	if err == nil {
		err = fillApart(ctx, artifacts, cache, entries, a, b)
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return errors.Join(err,
		a.Client.Backup(undo, cache, b.Site, rest.BringOnline),
		b.Client.Backup(undo, cache, a.Site, rest.BringOnline),
	)
}

func fillApart(ctx context.Context, artifacts *servers.Artifacts, cache string, entries Entries, sides ...Side) error {
	failures, sizes := make([]error, len(sides)), make([]int, len(sides))
	var all sync.WaitGroup
	for i, side := range sides {
		all.Go(func() {
			if entries.Count < Many {
				failures[i] = Put(ctx, []*rest.Client{side.Client}, cache, entries)
			} else {
				failures[i] = HotRod(ctx, artifacts, side.Node, side.User, cache, entries, Quick)
			}
			if failures[i] == nil {
				sizes[i], failures[i] = side.Client.Size(ctx, cache)
			}
		})
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	if sizes[0] != sizes[1] {
		return fmt.Errorf("%s holds %d entries on %s and %d on %s after the same %d were written to both",
			cache, sizes[0], sides[0].Site, sizes[1], sides[1].Site, entries.Count)
	}
	return nil
}
