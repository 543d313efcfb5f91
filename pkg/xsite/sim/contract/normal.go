package contract

import (
	"fmt"
	"regexp"
	"strings"
)

// What differs from one run to the next without meaning anything.
var (
	address   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	nonce     = regexp.MustCompile(`nonce="[^"]*"`)
	opaque    = regexp.MustCompile(`opaque="[^"]*"`)
)

// normalise replaces names, ports, times and nonces in an answer.
func (p *play) normalise(a Answer) Answer {
	a.Body = p.names(timestamp.ReplaceAllString(address.ReplaceAllString(a.Body, "127.0.0.1:PORT"), "TIME"))
	for i, c := range a.Challenges {
		c = nonce.ReplaceAllString(c, `nonce="NONCE"`)
		a.Challenges[i] = opaque.ReplaceAllString(c, `opaque="OPAQUE"`)
	}
	return a
}

// names calls the nodes site-a/0 and so on.
func (p *play) names(text string) string {
	for _, site := range []string{siteA, siteB} {
		for i, name := range p.pair.NodeNames(site) {
			text = strings.ReplaceAll(text, name, fmt.Sprintf("%s/%d", site, i))
		}
	}
	return text
}
