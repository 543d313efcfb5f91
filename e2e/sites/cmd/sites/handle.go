package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites"
	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/control"
)

// handle does one request on a pair that is up.
func handle(ctx context.Context, pair *sites.Pair, request control.Request, say func(string, ...any)) error {
	switch request.Verb {
	case control.Status:
		var text strings.Builder
		err := pair.WriteStatus(ctx, &text)
		say("%s", text.String())
		return err
	case control.Cut:
		pair.Cut()
		return waitNoticed(ctx, request, pair.WaitUnlinked, say)
	case control.Heal:
		pair.Heal()
		return waitNoticed(ctx, request, pair.WaitLinked, say)
	case control.Reset:
		pair.Reset()
		return nil
	case control.Delay:
		pair.Delay(request.Delay)
		return nil
	case control.Kill:
		return onSite(pair, request, func(s *sites.Site) error { return s.KillNode(request.Pod) })
	case control.Freeze:
		return onNodes(pair, request, (*sites.Site).Freeze, (*sites.Site).FreezeNode)
	case control.Thaw:
		return onNodes(pair, request, (*sites.Site).Thaw, (*sites.Site).ThawNode)
	case control.Offline:
		return onSite(pair, request, func(s *sites.Site) error { return s.Backup(ctx, sites.TakeOffline) })
	case control.Online:
		return onSite(pair, request, func(s *sites.Site) error { return s.Backup(ctx, sites.BringOnline) })
	case control.Fill:
		return handleFill(ctx, pair, request, say)
	case control.Remove:
		return handleRemove(ctx, pair, request, say)
	case control.Compare:
		return handleCompare(ctx, pair, request, say)
	case control.Kubectl:
		say("%s", pair.Kubectl())
		return nil
	case control.Caches:
		return handleCaches(ctx, pair, request, say)
	case control.User:
		return handleUser(pair, request, say)
	case control.Down:
		return errors.New("the daemon itself answers this")
	}
	return fmt.Errorf("unknown request %q: the daemon is of another version; take it down and up again", request.Verb)
}

func onSite(pair *sites.Pair, request control.Request, do func(*sites.Site) error) error {
	site, err := pair.Site(request.Site)
	if err != nil {
		return err
	}
	return do(site)
}

// onNodes acts on the server of one pod, or on all servers of the site when no pod is named.
func onNodes(pair *sites.Pair, request control.Request, all func(*sites.Site) error, one func(*sites.Site, string) error) error {
	return onSite(pair, request, func(s *sites.Site) error {
		if request.Pod == "" {
			return all(s)
		}
		return one(s, request.Pod)
	})
}

func handleUser(pair *sites.Pair, request control.Request, say func(string, ...any)) error {
	if request.User == "" {
		say("%s", pair.Kubeconfig())
		return nil
	}
	path, err := pair.UserKubeconfig(request.User)
	if err == nil {
		say("%s", path)
	}
	return err
}

// waitNoticed waits for noticed, when the request says so, and says how long it took.
func waitNoticed(ctx context.Context, request control.Request, noticed func(context.Context) error, say func(string, ...any)) error {
	if !request.Wait {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	began := time.Now()
	if err := noticed(ctx); err != nil {
		return err
	}
	say("both sites have noticed after %v", time.Since(began).Round(100*time.Millisecond))
	return nil
}

func handleFill(ctx context.Context, pair *sites.Pair, request control.Request, say func(string, ...any)) error {
	if request.Count < 1 {
		return errors.New("the count must be at least 1")
	}
	caches := request.Caches
	if len(caches) == 0 {
		var err error
		if caches, err = pair.A.Caches(ctx); err != nil {
			return err
		}
	}
	entries := sites.Entries{Prefix: request.Prefix, First: request.First, Count: request.Count, ValueSize: request.Size}
	fill, where := pair.Fill, "both sites"
	if request.Site != "" {
		site, err := pair.Site(request.Site)
		if err != nil {
			return err
		}
		fill, where = site.Fill, site.Name
	}
	for _, cache := range caches {
		began := time.Now()
		if err := fill(ctx, cache, entries); err != nil {
			return err
		}
		say("%s: %d entries written on %s in %v", cache, entries.Count, where, time.Since(began).Round(100*time.Millisecond))
	}
	return nil
}

func handleCaches(ctx context.Context, pair *sites.Pair, request control.Request, say func(string, ...any)) error {
	if request.Set != "" {
		return pair.ResetCaches(ctx, sites.CacheSet(request.Set), sites.Strategy(request.Strategy))
	}
	for _, site := range pair.Sites() {
		names, err := site.Caches(ctx)
		if err != nil {
			return err
		}
		say("%s: %s", site.Name, strings.Join(names, " "))
	}
	return nil
}
