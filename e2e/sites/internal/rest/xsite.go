package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Info is what a node says of its cache container.
type Info struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Status      string   `json:"cache_manager_status"`
	Node        string   `json:"node_address"`
	Coordinator bool     `json:"coordinator"`
	Members     []string `json:"cluster_members"`
	Rebalancing bool     `json:"rebalancing_enabled"`
	LocalSite   string   `json:"local_site"`
	// RelayNode is true on the node that speaks for the site. With one site master only that node
	// knows SitesView (V50); RelayNodes names it on the others.
	RelayNode  bool     `json:"relay_node"`
	RelayNodes []string `json:"relay_nodes_address"`
	SitesView  []string `json:"sites_view"`
}

// ContainerInfo reads what the node says of its cache container.
func (c *Client) ContainerInfo(ctx context.Context) (Info, error) {
	var info Info
	err := c.read(ctx, container, &info)
	return info, err
}

// Action is an operation on the backup of one cache to one site.
type Action string

// The actions of Client.Backup.
const (
	TakeOffline   Action = "take-offline"
	BringOnline   Action = "bring-online"
	StartPush     Action = "start-push-state"
	CancelPush    Action = "cancel-push-state"
	CancelReceive Action = "cancel-receive-state"
)

// Backup does action on the backup of cache to site. With CancelReceive, site is the sender.
func (c *Client) Backup(ctx context.Context, cache, site string, action Action) error {
	_, err := c.call(ctx, http.MethodPost, backupPath(cache, site)+"?action="+string(action), nil)
	return err
}

// BackupAll does action on every cache that backs up to site, through the container's endpoint. A cache
// that does not say ok (V32) is an error.
func (c *Client) BackupAll(ctx context.Context, site string, action Action) error {
	path := container + "/x-site/backups/" + url.PathEscape(site) + "?action=" + string(action)
	content, err := c.call(ctx, http.MethodPost, path, nil)
	if err != nil {
		return err
	}
	var results map[string]string
	if err := json.Unmarshal(content, &results); err != nil {
		return fmt.Errorf("POST %s answers %.200q: %w", path, content, err)
	}
	for cache, result := range results {
		if result != "ok" {
			return fmt.Errorf("POST %s: cache %s says %q", path, cache, result)
		}
	}
	return nil
}

// Flags says for each node of this site whether the backup of cache to site is "online" or "offline".
// From 15.1 on that is the asked node's own flag repeated (F12): ask every node.
func (c *Client) Flags(ctx context.Context, cache, site string) (map[string]string, error) {
	var flags map[string]string
	err := c.read(ctx, backupPath(cache, site), &flags)
	return flags, err
}

// PushStatus is the status of the pushes of cache, by receiving site: IDLE, SENDING, OK, ERROR, CANCELED.
func (c *Client) PushStatus(ctx context.Context, cache string) (map[string]string, error) {
	var status map[string]string
	err := c.read(ctx, cachePath(cache)+"/x-site/backups?action=push-state-status", &status)
	return status, err
}

// ClearPushStatus forgets the results of ended pushes of cache (V34).
func (c *Client) ClearPushStatus(ctx context.Context, cache string) error {
	path := cachePath(cache) + "/x-site/local?action=clear-push-state-status"
	content, err := c.call(ctx, http.MethodPost, path, nil)
	if err != nil {
		return err
	}
	var result string
	if err := json.Unmarshal(content, &result); err != nil || result != "ok" {
		return fmt.Errorf("POST %s answers %.200q", path, content)
	}
	return nil
}

// Mode is the state-transfer mode of the backup of cache to site: MANUAL or AUTO.
func (c *Client) Mode(ctx context.Context, cache, site string) (string, error) {
	var mode string
	err := c.read(ctx, backupPath(cache, site)+"/state-transfer-mode", &mode)
	return mode, err
}

// SetMode sets the state-transfer mode. One that is set already is an *Error with status 304 (V8).
func (c *Client) SetMode(ctx context.Context, cache, site, mode string) error {
	path := backupPath(cache, site) + "/state-transfer-mode?action=set&mode=" + url.QueryEscape(mode)
	_, err := c.call(ctx, http.MethodPost, path, nil)
	return err
}

func backupPath(cache, site string) string {
	return cachePath(cache) + "/x-site/backups/" + url.PathEscape(site)
}
