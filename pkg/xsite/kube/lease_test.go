package kube

import (
	"errors"
	"testing"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestALeaseIsReadAsItWasWritten(t *testing.T) {
	site := newSite(t).mustConnect(nil)
	if none, err := site.Lease(t.Context()); err != nil || none != (xsite.LeaseRecord{}) {
		t.Fatalf("a lease that is not there: %+v, %v", none, err)
	}
	since := time.Date(2026, 3, 1, 3, 0, 0, 123456000, time.UTC)
	record := xsite.LeaseRecord{
		Holder: "run1/abc", Run: "run1", Role: xsite.Secondary, Who: "operator@laptop",
		Since: since, Renewed: since.Add(5 * time.Second), Duration: 45 * time.Second,
	}
	version, err := site.PutLease(t.Context(), record)
	if err != nil {
		t.Fatal(err)
	}
	record.Version = version
	found, err := site.Lease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found.Since, found.Renewed = found.Since.UTC(), found.Renewed.UTC()
	if found != record {
		t.Errorf("wrote %+v, read %+v", record, found)
	}
}

func TestALeaseThatChangedMeanwhileIsNotOverwrittenOrRemoved(t *testing.T) {
	site := newSite(t).mustConnect(nil)
	first, err := site.PutLease(t.Context(), xsite.LeaseRecord{Holder: "one", Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	second, err := site.PutLease(t.Context(), xsite.LeaseRecord{Version: first, Holder: "one", Duration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() error{
		"create": func() error { _, err := site.PutLease(t.Context(), xsite.LeaseRecord{Holder: "two"}); return err },
		"update": func() error {
			_, err := site.PutLease(t.Context(), xsite.LeaseRecord{Version: first, Holder: "two"})
			return err
		},
		"delete": func() error { return site.DeleteLease(t.Context(), first) },
	} {
		if err := change(); !errors.Is(err, xsite.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found, err := site.Lease(t.Context()); err != nil || found.Holder != "one" {
		t.Errorf("now held by %q, %v", found.Holder, err)
	}
	if err := site.DeleteLease(t.Context(), second); err != nil {
		t.Error(err)
	}
	if err := site.DeleteLease(t.Context(), second); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
	if _, err := site.PutLease(t.Context(), xsite.LeaseRecord{Version: second, Holder: "one"}); !errors.Is(err, xsite.ErrConflict) {
		t.Errorf("renewing one that was removed: %v", err)
	}
}
