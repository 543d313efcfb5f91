package contract

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// play is one run of a script: it asks, normalises and notes.
type play struct {
	pair    Pair
	version string
	state   string
	notes   []Exchange
	err     error
}

// Script asks a pair of sites of one version everything, and returns what was answered, normalised. The pair is not as
// it was afterwards.
func Script(ctx context.Context, version string, pair Pair) ([]Exchange, error) {
	p := &play{pair: pair, version: version}
	for _, act := range []struct {
		state string
		play  func(context.Context)
	}{
		{"doors", p.doors},
		{"no caches", p.noCaches},
		{"idle", p.idle},
		{"contents", p.contents},
		{"keys that are messages", p.messages},
		{"modes", p.modes},
		{"offline", p.offline},
		{"probe", p.probe},
		{"push", p.push},
		{"async push", p.pushAsync},
		{"missing at the peer", p.missing},
		{"peer frozen", p.frozen},
		{"link cut", p.cut},
		{"one node frozen", p.oneFrozen},
		{"mixed", p.mixed},
	} {
		p.state = act.state
		act.play(ctx)
		if p.err != nil {
			return p.notes, fmt.Errorf("in state %q: %w", p.state, p.err)
		}
	}
	return p.notes, nil
}

// patience is how long an answer is waited for, unless a request says otherwise.
const patience = 20 * time.Second

// send sends a request without noting it.
func (p *play) send(ctx context.Context, site string, node int, r Request) Answer {
	if p.err != nil {
		return Answer{}
	}
	if r.Patience == 0 {
		r.Patience = patience
	}
	answer, err := p.pair.Send(ctx, site, node, r)
	if err != nil {
		p.err = fmt.Errorf("%s %s of %s/%d: %w", r.Method, r.Path, site, node, err)
	}
	return answer
}

// ask sends a request and notes the answer.
func (p *play) ask(ctx context.Context, site string, node int, r Request) {
	answer := p.send(ctx, site, node, r)
	if p.err == nil {
		p.notes = append(p.notes, Exchange{State: p.state, Site: site, Node: node, Request: r, Answer: p.normalise(answer)})
	}
}

// varies says of the last answer that its body is not always the same.
func (p *play) varies(because string) {
	if len(p.notes) > 0 {
		p.notes[len(p.notes)-1].Varies = because
	}
}

func (p *play) get(ctx context.Context, site string, node int, path string) {
	p.ask(ctx, site, node, Request{Method: http.MethodGet, Path: "/rest/v2/" + path})
}

func (p *play) post(ctx context.Context, site string, node int, path string, flags ...string) {
	p.ask(ctx, site, node, Request{Method: http.MethodPost, Path: "/rest/v2/" + path, Flags: strings.Join(flags, ",")})
}

// must is a step on the way, which is not noted and has to succeed.
func (p *play) must(ctx context.Context, site string, node int, r Request) {
	a := p.send(ctx, site, node, r)
	if p.err == nil && a.Status/100 != 2 && a.Status != http.StatusNotModified {
		p.err = fmt.Errorf("%s %s of %s/%d: %+v", r.Method, r.Path, site, node, a)
	}
}

// do notes nothing of what the pair does.
func (p *play) do(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *play) wait(ctx context.Context, d time.Duration) {
	if p.err == nil {
		p.err = p.pair.Wait(ctx, d)
	}
}

// until asks again and again, without noting, until the answer holds a text.
func (p *play) until(ctx context.Context, limit time.Duration, site string, node int, path, text string) {
	const pause = 200 * time.Millisecond
	var last Answer
	for waited := time.Duration(0); p.err == nil && waited < limit; waited += pause {
		last = p.send(ctx, site, node, Request{Method: http.MethodGet, Path: "/rest/v2/" + path})
		if last.Status == http.StatusOK && strings.Contains(last.Body, text) {
			return
		}
		p.wait(ctx, pause)
	}
	if p.err == nil {
		p.err = fmt.Errorf("GET %s of %s/%d never said %s: %+v", path, site, node, text, last)
	}
}

// create makes a cache on a site, or on both.
func (p *play) create(ctx context.Context, name, configuration string, on ...string) {
	for _, site := range on {
		body := strings.ReplaceAll(configuration, "PEER", peerOf(site))
		p.must(ctx, site, 0, Request{
			Method: http.MethodPost, Path: "/rest/v2/caches/" + name, ContentType: "application/json", Body: body,
		})
	}
}

// fill puts entries into a cache of site-a.
func (p *play) fill(ctx context.Context, site, cache string, n int) {
	for i := range n {
		p.must(ctx, site, i%2, put(cache, fmt.Sprintf("key-%03d", i)))
	}
}

// put is the request to write an entry.
func put(cache, key string) Request {
	return Request{
		Method: http.MethodPut, Path: "/rest/v2/caches/" + cache + "/" + key, ContentType: "text/plain", Body: "value",
	}
}

func peerOf(site string) string {
	if site == siteA {
		return siteB
	}
	return siteA
}

// container is the path of the container in the dialect of the version (V30).
func (p *play) container() string {
	if strings.HasPrefix(p.version, "14.") {
		return "cache-managers/default"
	}
	return "container"
}

const (
	siteA = "site-a"
	siteB = "site-b"
)
