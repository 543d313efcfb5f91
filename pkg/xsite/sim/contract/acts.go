package contract

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Configurations of caches. PEER stands for the other site.
const (
	guideCache = `{"distributed-cache":{"mode":"SYNC","owners":2,"statistics":true,"remote-timeout":5000,` +
		`"encoding":{"media-type":"application/x-protostream"},"locking":{"acquire-timeout":4000},` +
		`"transaction":{"mode":"NON_DURABLE_XA","locking":"PESSIMISTIC"},"state-transfer":{"chunk-size":16},` +
		`"backups":{"PEER":{"backup":{"strategy":"SYNC","timeout":4500,"failure-policy":"FAIL","state-transfer":{"chunk-size":16}}}}}}`
	// slowCache is pushed entry by entry, and gives up soon.
	slowCache = `{"distributed-cache":{"mode":"SYNC","statistics":true,"encoding":{"media-type":"application/x-protostream"},` +
		`"backups":{"PEER":{"backup":{"strategy":"SYNC","timeout":4500,"failure-policy":"FAIL",` +
		`"state-transfer":{"chunk-size":1,"timeout":2000,"max-retries":2,"wait-time":500}}}}}}`
	asyncCache = `{"distributed-cache":{"mode":"SYNC","statistics":true,"encoding":{"media-type":"application/x-protostream"},` +
		`"backups":{"PEER":{"backup":{"strategy":"ASYNC","timeout":4500,"failure-policy":"WARN","state-transfer":{"chunk-size":1}}}}}}`
	aloneCache = `{"local-cache":{"encoding":{"media-type":"text/plain"}}}`
	probeCache = `{"replicated-cache":{"mode":"SYNC","encoding":{"media-type":"text/plain"},` +
		`"backups":{"PEER":{"backup":{"strategy":"SYNC","timeout":4500,"failure-policy":"WARN"}}}}}`
	failingCache = `{"distributed-cache":{"mode":"SYNC","backups":{"PEER":{"backup":{"strategy":"ASYNC","failure-policy":"FAIL"}}}}}`
)

// doors: who is let in.
func (p *play) doors(ctx context.Context) {
	for _, admin := range []bool{false, true} {
		for _, auth := range []Auth{AuthDigest, AuthNone, AuthBasic, AuthWrong} {
			p.ask(ctx, siteA, 0, Request{Method: http.MethodGet, Path: "/rest/v2/caches", Auth: auth, Admin: admin})
		}
	}
}

// noCaches: what a node says of itself, in both dialects.
func (p *play) noCaches(ctx context.Context) {
	for node := range 2 {
		p.get(ctx, siteA, node, "container")
		p.get(ctx, siteA, node, "cache-managers/default")
	}
	p.get(ctx, siteB, 0, p.container())
	p.get(ctx, siteA, 0, "cache-managers/nope")
	p.get(ctx, siteA, 0, "server/cache-managers")
	p.get(ctx, siteA, 0, "container/health")
	p.get(ctx, siteA, 0, p.container()+"/health")
	p.get(ctx, siteA, 0, "server/connections?global=true")
	p.get(ctx, siteA, 0, "caches")
}

// idle: caches in peace, and questions about what is not there.
func (p *play) idle(ctx context.Context) {
	p.create(ctx, "guide", guideCache, siteB, siteA)
	p.create(ctx, "slow", slowCache, siteB, siteA)
	p.create(ctx, "later", asyncCache, siteB, siteA)
	p.create(ctx, "alone", aloneCache, siteB, siteA)
	for _, cache := range []string{"guide", "slow", "later", "alone", "nope"} {
		path := "caches/" + cache
		p.ask(ctx, siteA, 0, Request{Method: http.MethodHead, Path: "/rest/v2/" + path})
		for _, below := range []string{
			"?action=config", "?action=size", "?action=stats", "?action=keys", "?action=entries",
			"?action=entries&metadata=true&limit=1", "/x-site/backups", "/x-site/backups?action=push-state-status",
			"/x-site/backups/site-b", "/x-site/backups/site-c", "/x-site/backups/site-b/state-transfer-mode", "/nope",
		} {
			p.get(ctx, siteA, 0, path+below)
		}
		p.post(ctx, siteA, 0, path+"/x-site/local?action=clear-push-state-status")
		for _, action := range []string{"take-offline", "bring-online", "start-push-state", "cancel-push-state", "cancel-receive-state"} {
			p.post(ctx, siteA, 0, path+"/x-site/backups/site-c?action="+action)
		}
		for _, action := range []string{"cancel-push-state", "cancel-receive-state"} {
			p.post(ctx, siteA, 0, path+"/x-site/backups/site-b?action="+action)
		}
	}
	p.post(ctx, siteA, 0, "caches/nope/x-site/backups/site-b?action=take-offline")
	p.post(ctx, siteA, 0, "caches/alone/x-site/backups/site-b?action=start-push-state")
	p.get(ctx, siteA, 0, "caches")
	p.get(ctx, siteA, 0, p.container()+"/health")
}

// contents: writing, reading, listing, clearing.
func (p *play) contents(ctx context.Context) {
	for _, cache := range []string{"guide", "later", "nope"} {
		p.ask(ctx, siteA, 0, put(cache, "key"))
		p.ask(ctx, siteA, 0, Request{Method: http.MethodGet, Path: "/rest/v2/caches/" + cache + "/key", Accept: "text/plain"})
		p.ask(ctx, siteA, 0, Request{Method: http.MethodGet, Path: "/rest/v2/caches/" + cache + "/missing", Accept: "text/plain"})
	}
	for _, action := range []string{"size", "keys", "entries", "entries&metadata=true&limit=1", "entries&metadata=true", "stats"} {
		p.get(ctx, siteA, 0, "caches/guide?action="+action)
	}
	p.wait(ctx, time.Second)
	p.get(ctx, siteB, 0, "caches/guide?action=keys")
	p.get(ctx, siteB, 0, "caches/later?action=keys")
	for _, flags := range []string{"SKIP_XSITE_BACKUP", "skip_xsite_backup", ""} {
		p.post(ctx, siteB, 0, "caches/guide?action=clear", flags)
		p.wait(ctx, time.Second)
		p.get(ctx, siteA, 0, "caches/guide?action=size")
	}
	p.post(ctx, siteB, 0, "caches/later?action=clear", "SKIP_XSITE_BACKUP")
	p.wait(ctx, time.Second)
	p.get(ctx, siteA, 0, "caches/later?action=size")
	p.post(ctx, siteB, 0, "caches/later?action=clear")
	p.wait(ctx, time.Second)
	p.get(ctx, siteA, 0, "caches/later?action=size")
	p.post(ctx, siteA, 0, "caches/nope?action=clear", "SKIP_XSITE_BACKUP")
}

// messages: a cache whose keys are protobuf messages, as some of Keycloak's have (V40, V41, V70).
func (p *play) messages(ctx context.Context) {
	p.create(ctx, "messages", guideCache, siteB, siteA)
	p.must(ctx, siteA, 0, Request{
		Method: http.MethodPut, Path: "/rest/v2/caches/___protobuf_metadata/contract.proto", ContentType: "text/plain",
		Body: "package contract;\nmessage Key { optional string id = 1; }\n",
	})
	for _, id := range []string{"a", "b"} {
		key := url.PathEscape(`{"_type":"contract.Key","id":"` + id + `"}`)
		p.must(ctx, siteA, 0, Request{
			Method: http.MethodPut, Path: "/rest/v2/caches/messages/" + key, KeyType: "application/json", ContentType: "text/plain", Body: "value",
		})
	}
	p.get(ctx, siteA, 0, "caches/messages?action=size")
	p.ask(ctx, siteA, 0, Request{Method: http.MethodGet, Path: "/rest/v2/caches/messages?action=keys", Patience: 8 * time.Second})
	p.varies("15 and later close the connection, mostly at once, and 14 never does")
	p.get(ctx, siteA, 0, "caches/messages?action=entries")
	p.get(ctx, siteA, 0, "caches/messages?action=entries&metadata=true")
}

// modes of state transfer.
func (p *play) modes(ctx context.Context) {
	for _, cache := range []string{"guide", "later"} {
		path := "caches/" + cache + "/x-site/backups/site-b/state-transfer-mode"
		for _, mode := range []string{"MANUAL", "AUTO", "AUTO", "nonsense"} {
			p.post(ctx, siteA, 0, path+"?action=set&mode="+mode)
			p.get(ctx, siteA, 0, path)
			p.get(ctx, siteA, 1, path)
		}
	}
	p.get(ctx, siteA, 0, "caches/later?action=config")
	p.post(ctx, siteA, 1, "caches/later/x-site/backups/site-b/state-transfer-mode?action=set&mode=MANUAL")
	p.get(ctx, siteA, 0, "caches/later/x-site/backups/site-b/state-transfer-mode")
}

// flags asks both nodes of a site for the flags of a cache.
func (p *play) flags(ctx context.Context, site, cache string) {
	for node := range 2 {
		p.get(ctx, site, node, "caches/"+cache+"/x-site/backups")
		p.get(ctx, site, node, "caches/"+cache+"/x-site/backups/"+peerOf(site))
	}
}

// act asks for an action on a cache's backup to the peer.
func (p *play) act(ctx context.Context, site string, node int, cache, action string) {
	p.post(ctx, site, node, "caches/"+cache+"/x-site/backups/"+peerOf(site)+"?action="+action)
}

// offline: flags are set through one node.
func (p *play) offline(ctx context.Context) {
	for _, action := range []string{"take-offline", "take-offline", "bring-online", "bring-online"} {
		p.act(ctx, siteB, 0, "guide", action)
		p.wait(ctx, 500*time.Millisecond) // 15.0 tells its own nodes in the background
		p.flags(ctx, siteB, "guide")
	}
}

// probe: a cache is made, used and deleted, and its flag looked at (V47, V65).
func (p *play) probe(ctx context.Context) {
	create := func(site, name, configuration string) {
		p.ask(ctx, site, 0, Request{
			Method: http.MethodPost, Path: "/rest/v2/caches/" + name, Flags: "VOLATILE",
			ContentType: "application/json", Body: configuration,
		})
	}
	toA, toB := strings.ReplaceAll(probeCache, "PEER", siteA), strings.ReplaceAll(probeCache, "PEER", siteB)
	create(siteB, "probe", toA)
	create(siteA, "probe", toB)
	create(siteA, "probe", toB)
	create(siteA, "broken", `{"nonsense-cache":{}}`)
	create(siteA, "broken", `nonsense`)
	create(siteA, "broken", strings.ReplaceAll(failingCache, "PEER", siteB))
	p.ask(ctx, siteA, 0, put("probe", "key"))
	p.ask(ctx, siteB, 0, Request{Method: http.MethodGet, Path: "/rest/v2/caches/probe/key", Accept: "text/plain"})
	p.get(ctx, siteA, 0, "caches/probe?action=config")
	p.post(ctx, siteB, 0, "caches/probe?action=clear", "SKIP_XSITE_BACKUP")
	p.get(ctx, siteA, 0, "caches/probe?action=size")
	p.act(ctx, siteA, 0, "probe", "take-offline")
	for _, site := range []string{siteA, siteB, siteB} {
		p.ask(ctx, site, 0, Request{Method: http.MethodDelete, Path: "/rest/v2/caches/probe"})
	}
	create(siteA, "probe", toB)
	p.flags(ctx, siteA, "probe")
	p.must(ctx, siteA, 0, Request{Method: http.MethodDelete, Path: "/rest/v2/caches/probe"})
}
