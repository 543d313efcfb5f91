package sites

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
)

// CreateCaches makes caches as Keycloak's guide does in both sites, each backed up to the other. They
// are there on both sites when it returns, so writes may begin (V47).
func (p *Pair) CreateCaches(ctx context.Context, strategy Strategy, names ...string) error {
	var all []func(context.Context) error
	for _, s := range p.Sites() {
		all = append(all, func(ctx context.Context) error { return s.CreateCaches(ctx, strategy, names...) })
	}
	return parallel(ctx, all...)
}

// DeleteCaches deletes caches from both sites; one that is not there is left at that.
func (p *Pair) DeleteCaches(ctx context.Context, names ...string) error {
	var all []func(context.Context) error
	for _, s := range p.Sites() {
		all = append(all, func(ctx context.Context) error { return s.DeleteCaches(ctx, names...) })
	}
	return parallel(ctx, all...)
}

// ResetCaches makes the caches of the set anew, empty and online in both directions, and deletes every
// other cache. The link must be up and all servers running.
func (p *Pair) ResetCaches(ctx context.Context, set CacheSet, strategy Strategy) error {
	names, err := set.Names()
	if err != nil {
		return err
	}
	for _, s := range p.Sites() {
		existing, err := s.Caches(ctx)
		if err != nil {
			return err
		}
		if err := s.DeleteCaches(ctx, existing...); err != nil {
			return err
		}
	}
	if err := p.CreateCaches(ctx, strategy, names...); err != nil || len(names) == 0 {
		return err
	}
	// An offline flag outlives its cache (V47).
	return errors.Join(p.A.Backup(ctx, BringOnline), p.B.Backup(ctx, BringOnline))
}

// Backup does action (TakeOffline, BringOnline) on the other site for every cache of this one that backs
// up to it. A site without such caches is left at that.
func (s *Site) Backup(ctx context.Context, action Action) error {
	names, err := s.Caches(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	_, client, err := s.answering(ctx)
	if err != nil {
		return err
	}
	if err := client.BackupAll(ctx, s.peer, action); err != nil {
		return fmt.Errorf("%s %s in %s: %w", action, s.peer, s.Name, err)
	}
	return nil
}

// Peer is the name of the other site.
func (s *Site) Peer() string { return s.peer }

// CreateCaches makes caches in this site alone, with a backup to the other.
func (s *Site) CreateCaches(ctx context.Context, strategy Strategy, names ...string) error {
	configuration, err := rest.KeycloakCache(s.peer, strategy)
	if err != nil {
		return err
	}
	_, client, err := s.answering(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := createCache(ctx, client, name, configuration); err != nil {
			return fmt.Errorf("make cache %s in %s: %w", name, s.Name, err)
		}
	}
	return nil
}

// createCache makes one cache. Under load a server may not find the configuration that it has just stored (ISPN000436); the
// cache is there a moment later, or is made anew.
func createCache(ctx context.Context, client *Client, name string, configuration []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var made error
	lostBefore := false
	if err := poll(ctx, "cache "+name+" is made", func(ctx context.Context) (bool, error) {
		made = client.CreateCache(ctx, name, configuration)
		if lostBefore && saysCode(made, "ISPN000507") {
			made = nil // it exists
		}
		lost := saysCode(made, "ISPN000436")
		lostBefore = lostBefore || lost
		return !lost, made
	}); err != nil {
		return err
	}
	return made
}

// saysCode tells whether a server refused with a message of that code.
func saysCode(err error, code string) bool {
	var answer *Error
	return errors.As(err, &answer) && answer.Status == http.StatusBadRequest && strings.Contains(answer.Body, code)
}

// DeleteCaches deletes caches from this site; one that is not there is left at that.
func (s *Site) DeleteCaches(ctx context.Context, names ...string) error {
	_, client, err := s.answering(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		var answer *Error
		if err := client.DeleteCache(ctx, name); errors.As(err, &answer) && answer.Status == http.StatusNotFound {
			continue
		} else if err != nil {
			return fmt.Errorf("delete cache %s from %s: %w", name, s.Name, err)
		}
	}
	return nil
}

// Caches lists the caches of the site that are not the server's own.
func (s *Site) Caches(ctx context.Context) ([]string, error) {
	_, client, err := s.answering(ctx)
	if err != nil {
		return nil, err
	}
	all, err := client.Caches(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the caches of %s: %w", s.Name, err)
	}
	var own []string
	for _, name := range all {
		if name != "respCache" && name != "memcachedCache" && name[:1] != "_" && name[:1] != "#" {
			own = append(own, name)
		}
	}
	return own, nil
}
