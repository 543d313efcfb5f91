package contract

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// status asks both nodes of site-a for the push status of a cache.
func (p *play) status(ctx context.Context, cache string) {
	for node := range 2 {
		p.get(ctx, siteA, node, "caches/"+cache+"/x-site/backups?action=push-state-status")
	}
}

// untilPushed waits for a status.
func (p *play) untilPushed(ctx context.Context, cache, status string) {
	p.until(ctx, 2*time.Minute, siteA, 0, "caches/"+cache+"/x-site/backups?action=push-state-status", `"`+status+`"`)
}

// forget resets the push status on site-a.
func (p *play) forget(ctx context.Context, cache string) {
	p.post(ctx, siteA, 0, "caches/"+cache+"/x-site/local?action=clear-push-state-status")
	p.status(ctx, cache)
}

// push: SYNC, to a peer that is well: second starts, cancelling, other nodes (V15, V21, V22).
func (p *play) push(ctx context.Context) {
	p.act(ctx, siteA, 0, "slow", "take-offline")
	p.fill(ctx, siteA, "slow", 60)
	p.pair.Delay(50 * time.Millisecond)
	p.state = "push begun"
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.status(ctx, "slow")
	p.flags(ctx, siteA, "slow")
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.act(ctx, siteA, 1, "slow", "start-push-state")
	p.post(ctx, siteA, 0, "caches/slow/x-site/local?action=clear-push-state-status")
	p.status(ctx, "slow")
	p.untilPushed(ctx, "slow", "OK")
	p.state = "push ended, another node had been asked too"
	p.status(ctx, "slow")
	p.get(ctx, siteB, 0, "caches/slow?action=size")
	p.forget(ctx, "slow")
	p.act(ctx, siteA, 0, "slow", "cancel-push-state")
	p.status(ctx, "slow")
	p.act(ctx, siteA, 1, "slow", "cancel-push-state")
	p.status(ctx, "slow")
	p.forget(ctx, "slow")
	p.cancelled(ctx)
	p.pair.Heal()
	p.pair.Delay(0)
}

// cancelled: pushes that are ended, by a cancel or by a clear at the receiver (V16, V21).
func (p *play) cancelled(ctx context.Context) {
	p.state = "push cancelled"
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.act(ctx, siteA, 0, "slow", "cancel-push-state")
	p.status(ctx, "slow")
	p.flags(ctx, siteA, "slow")
	p.wait(ctx, time.Second)
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.status(ctx, "slow")
	p.untilPushed(ctx, "slow", "OK")
	p.state = "push again"
	p.status(ctx, "slow")
	p.forget(ctx, "slow")

	p.state = "push cancelled through another node"
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.act(ctx, siteA, 1, "slow", "cancel-push-state")
	p.status(ctx, "slow")
	p.forget(ctx, "slow")
	p.act(ctx, siteA, 0, "slow", "cancel-push-state")
	p.forget(ctx, "slow")
	p.must(ctx, siteB, 0, post("caches/slow/x-site/backups/site-a?action=cancel-receive-state"))

	p.state = "cleared at the peer while it receives"
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.post(ctx, siteB, 0, "caches/slow?action=clear", "SKIP_XSITE_BACKUP")
	p.untilPushed(ctx, "slow", "OK")
	p.status(ctx, "slow")
	p.forget(ctx, "slow")
}

// pushAsync: a second start is not refused (F8).
func (p *play) pushAsync(ctx context.Context) {
	p.act(ctx, siteA, 0, "later", "take-offline")
	p.fill(ctx, siteA, "later", 40)
	p.wait(ctx, time.Second)
	p.pair.Delay(50 * time.Millisecond)
	p.state = "async push begun"
	p.act(ctx, siteA, 0, "later", "start-push-state")
	p.status(ctx, "later")
	p.act(ctx, siteA, 0, "later", "start-push-state")
	p.untilPushed(ctx, "later", "OK")
	p.state = "async push ended"
	p.get(ctx, siteB, 0, "caches/later?action=size")
	p.forget(ctx, "later")
	p.pair.Delay(0)
}

// missing: caches that only site-a has (V47, V57).
func (p *play) missing(ctx context.Context) {
	p.create(ctx, "widow", asyncCache, siteA)
	p.create(ctx, "orphan", guideCache, siteA)
	p.create(ctx, "stray", probeCache, siteA)
	for _, cache := range []string{"widow", "orphan", "stray"} {
		p.ask(ctx, siteA, 0, put(cache, "key"))
		// On 14 each node finds out for itself: the one that is asked, or the one that owns the key.
		for i := range 16 {
			p.send(ctx, siteA, i%2, put(cache, fmt.Sprintf("key-%02d", i)))
		}
		p.wait(ctx, 2*time.Second)
		p.flags(ctx, siteA, cache)
		p.ask(ctx, siteA, 0, put(cache, "another"))
		p.act(ctx, siteA, 0, cache, "start-push-state")
		p.wait(ctx, 2*time.Second)
		p.status(ctx, cache)
		p.flags(ctx, siteA, cache)
		p.act(ctx, siteA, 0, cache, "cancel-push-state")
		p.forget(ctx, cache)
		p.must(ctx, siteA, 0, Request{Method: http.MethodDelete, Path: "/rest/v2/caches/" + cache})
	}
}

// frozen: the peer stands still (V10 to V14, V58).
func (p *play) frozen(ctx context.Context) {
	p.act(ctx, siteA, 0, "guide", "take-offline")
	p.fill(ctx, siteA, "guide", 40)
	p.do(p.pair.Freeze(siteB))
	p.act(ctx, siteA, 0, "guide", "start-push-state")
	p.status(ctx, "guide")
	p.flags(ctx, siteA, "guide")
	p.ask(ctx, siteA, 0, put("guide", "during"))
	p.post(ctx, siteA, 0, "caches/guide/x-site/local?action=clear-push-state-status")
	p.status(ctx, "guide")
	p.act(ctx, siteA, 0, "guide", "take-offline")
	p.ask(ctx, siteA, 0, put("guide", "offline"))
	p.do(p.pair.Thaw(siteB))
	p.do(p.pair.Linked(ctx))
	p.wait(ctx, 2*time.Second)
	p.state = "peer thawed"
	p.get(ctx, siteB, 0, "caches/guide?action=keys")
	p.act(ctx, siteA, 0, "guide", "start-push-state")
	p.status(ctx, "guide")
	for node := range 2 {
		p.act(ctx, siteA, node, "guide", "cancel-push-state")
	}
	p.act(ctx, siteB, 0, "guide", "cancel-receive-state")
	p.status(ctx, "guide")
	p.forget(ctx, "guide")
	p.act(ctx, siteA, 0, "guide", "start-push-state")
	p.untilPushed(ctx, "guide", "OK")
	p.get(ctx, siteB, 0, "caches/guide?action=size")
	p.forget(ctx, "guide")
}

// cut: the link is lost in the middle of a push (F10).
func (p *play) cut(ctx context.Context) {
	p.act(ctx, siteA, 0, "slow", "bring-online")
	p.pair.Delay(50 * time.Millisecond)
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.pair.Cut()
	p.status(ctx, "slow")
	p.ask(ctx, siteA, 0, put("slow", "during"))
	p.varies("only the node that owns the key has words for it")
	p.untilPushed(ctx, "slow", "ERROR")
	p.status(ctx, "slow")
	p.flags(ctx, siteA, "slow")
	p.wait(ctx, 15*time.Second) // until both sites have noticed
	p.get(ctx, siteA, 0, p.container())
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.status(ctx, "slow")
	p.ask(ctx, siteA, 0, put("slow", "during"))
	p.varies("only the node that owns the key has words for it")
	p.act(ctx, siteA, 0, "slow", "take-offline")
	p.act(ctx, siteA, 0, "slow", "cancel-push-state")
	p.status(ctx, "slow")
	p.pair.Heal()
	p.pair.Delay(0)
	p.do(p.pair.Linked(ctx))
	p.wait(ctx, 2*time.Second)
	p.state = "link healed"
	p.forget(ctx, "slow")
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.act(ctx, siteA, 0, "slow", "cancel-push-state")
	p.act(ctx, siteB, 0, "slow", "cancel-receive-state")
	p.forget(ctx, "slow")
	p.act(ctx, siteA, 0, "slow", "start-push-state")
	p.untilPushed(ctx, "slow", "OK")
	p.forget(ctx, "slow")
}

// oneFrozen: a member of the asked node's own cluster stands still.
func (p *play) oneFrozen(ctx context.Context) {
	p.do(p.pair.FreezeNode(siteB, 1))
	p.get(ctx, siteB, 0, "caches/guide/x-site/backups?action=push-state-status")
	p.get(ctx, siteB, 0, "caches/guide/x-site/backups/site-a")
	p.get(ctx, siteB, 0, "caches/guide/x-site/backups")
	p.do(p.pair.ThawNode(siteB, 1))
	p.wait(ctx, 10*time.Second)
}

// mixed: a node comes back after the flag was set (V6a).
func (p *play) mixed(ctx context.Context) {
	p.act(ctx, siteB, 0, "guide", "take-offline")
	p.wait(ctx, time.Second)
	p.do(p.pair.RestartNode(ctx, siteB, 1))
	p.flags(ctx, siteB, "guide")
	p.act(ctx, siteB, 0, "guide", "bring-online")
	p.wait(ctx, time.Second)
	p.flags(ctx, siteB, "guide")
	p.get(ctx, siteB, 1, p.container())
}

// post is the request of an action.
func post(path string) Request {
	return Request{Method: http.MethodPost, Path: "/rest/v2/" + path}
}
