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
	case control.Cut, control.Heal, control.Reset, control.Delay:
		return handleLink(ctx, pair, request, say)
	case control.Kill, control.Freeze, control.Thaw, control.Offline, control.Online:
		return handleSite(ctx, pair, request)
	case control.Fill:
		return handleFill(ctx, pair, request, say)
	case control.Caches:
		return handleCaches(ctx, pair, request, say)
	case control.User:
		path, err := pair.Kubeconfig(), error(nil)
		if request.User != "" {
			path, err = pair.UserKubeconfig(request.User)
		}
		if err == nil {
			say("%s", path)
		}
		return err
	}
	return fmt.Errorf("unknown request %q: the daemon is of another version; take it down and up again", request.Verb)
}

func handleLink(ctx context.Context, pair *sites.Pair, request control.Request, say func(string, ...any)) error {
	var noticed func(context.Context) error
	switch request.Verb {
	case control.Cut:
		pair.Cut()
		noticed = pair.WaitUnlinked
	case control.Heal:
		pair.Heal()
		noticed = pair.WaitLinked
	case control.Reset:
		pair.Reset()
	case control.Delay:
		pair.Delay(request.Delay)
	}
	if !request.Wait || noticed == nil {
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

func handleSite(ctx context.Context, pair *sites.Pair, request control.Request) error {
	site, err := pair.Site(request.Site)
	if err != nil {
		return err
	}
	switch request.Verb {
	case control.Kill:
		return site.KillNode(request.Pod)
	case control.Freeze:
		if request.Pod == "" {
			return site.Freeze()
		}
		return site.FreezeNode(request.Pod)
	case control.Thaw:
		if request.Pod == "" {
			return site.Thaw()
		}
		return site.ThawNode(request.Pod)
	case control.Offline:
		return site.Backup(ctx, sites.TakeOffline)
	}
	return site.Backup(ctx, sites.BringOnline)
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
