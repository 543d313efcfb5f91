package infinispan

import (
	"context"
	"errors"
	"net/http"
)

// SiteStatus is what a cache's backup to a site is marked as. It is a mark and says nothing of connectivity (F5).
type SiteStatus string

// The marks of a backup site.
const (
	SiteOnline  SiteStatus = "online"
	SiteOffline SiteStatus = "offline"
	// SiteMixed means that the nodes of the cluster disagree (14.x and 15.0.x, V6a).
	SiteMixed SiteStatus = "mixed"
	// SiteFailed means that the mark could not be read on some node.
	SiteFailed SiteStatus = "failed"
)

// Flag is one node's mark for a cache's backup to a site.
type Flag string

// The marks of one node.
const (
	FlagOnline  Flag = "online"
	FlagOffline Flag = "offline"
	// FlagFailed means that the asked node could not get that node's mark.
	FlagFailed Flag = "failed"
)

// BackupSites asks for the sites that a cache backs up to and their marks, by site name. A cache without backups gives
// an empty map and no error. A missing cache is ErrNotFound.
func (c *Client) BackupSites(ctx context.Context, cache string) (map[string]SiteStatus, error) {
	p, err := cachePath(cache, "x-site", "backups")
	if err != nil {
		return nil, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p})
	if errors.Is(err, ErrNoBackup) {
		return map[string]SiteStatus{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseBackupSites(a)
}

func parseBackupSites(a *answer) (map[string]SiteStatus, error) {
	var w map[string]struct {
		Status SiteStatus `json:"status"`
	}
	if err := a.decode(&w); err != nil {
		return nil, err
	}
	if w == nil {
		return nil, a.unexpected("no JSON object")
	}
	sites := make(map[string]SiteStatus, len(w))
	for site, s := range w {
		switch s.Status {
		case SiteOnline, SiteOffline, SiteMixed, SiteFailed:
			sites[site] = s.Status
		default:
			return nil, a.unexpected("an unknown status of a backup site")
		}
	}
	return sites, nil
}

// NodeFlags asks for the marks of a cache's backup to a site, by node name. From 15.1 on the answer is the asked
// node's own mark, repeated for each member: a real per-node check asks every node (F12). A cache that does not back up
// to the site is ErrNoBackup.
func (c *Client) NodeFlags(ctx context.Context, cache, site string) (map[string]Flag, error) {
	p, err := sitePath(cache, site)
	if err != nil {
		return nil, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: p})
	if err != nil {
		return nil, err
	}
	return parseNodeFlags(a)
}

func parseNodeFlags(a *answer) (map[string]Flag, error) {
	var flags map[string]Flag
	if err := a.decode(&flags); err != nil {
		return nil, err
	}
	if len(flags) == 0 {
		return nil, a.unexpected("no node at all")
	}
	for _, flag := range flags {
		switch flag {
		case FlagOnline, FlagOffline, FlagFailed:
		default:
			return nil, a.unexpected("an unknown mark of a node")
		}
	}
	return flags, nil
}

// TakeOffline marks a cache's backup to a site offline on the whole cluster of this node. Doing so again is fine (V33).
func (c *Client) TakeOffline(ctx context.Context, cache, site string) error {
	return c.siteAction(ctx, cache, site, "take-offline")
}

// BringOnline marks a cache's backup to a site online on the whole cluster of this node. Doing so again is fine (V33).
func (c *Client) BringOnline(ctx context.Context, cache, site string) error {
	return c.siteAction(ctx, cache, site, "bring-online")
}

// StartPush makes this node coordinate a push of a cache's state to a site. The site is online afterwards, also when
// the push fails (V10); a push that runs already is not refused everywhere (V15). A SYNC push to a peer that does not
// answer is an error of status 500 after the backup's timeout.
func (c *Client) StartPush(ctx context.Context, cache, site string) error {
	return c.siteAction(ctx, cache, site, "start-push-state")
}

// CancelPush ends a push that this node coordinates. It must be sent to every node to be sure (V13, V15), and succeeds
// where nothing runs.
func (c *Client) CancelPush(ctx context.Context, cache, site string) error {
	return c.siteAction(ctx, cache, site, "cancel-push-state")
}

// CancelReceive makes this node's cluster stop waiting for state from a site (V13). The site is the sender.
func (c *Client) CancelReceive(ctx context.Context, cache, site string) error {
	return c.siteAction(ctx, cache, site, "cancel-receive-state")
}

func (c *Client) siteAction(ctx context.Context, cache, site, action string) error {
	p, err := sitePath(cache, site)
	if err != nil {
		return err
	}
	a, err := c.do(ctx, request{method: http.MethodPost, path: p, query: "action=" + action})
	if err != nil {
		return err
	}
	return a.done()
}
