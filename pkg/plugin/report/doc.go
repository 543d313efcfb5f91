// Package report tells the story of one run in one file: as JSON for programs, as Markdown for a ticket, as HTML for
// people. A [Recorder] makes the [Report] from the events of the engine; the three formats are made from the Report and
// nothing else. It holds no secret and no key or value of a cache.
package report
