package kube

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

func TestAJournalIsKeptAndReplacedByItsVersionOnly(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	ctx := t.Context()
	first, err := site.PutJournal(ctx, "run1", "", []byte(`{"n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := site.PutJournal(ctx, "run1", "", []byte(`{}`)); !errors.Is(err, xsite.ErrConflict) {
		t.Errorf("created twice: %v", err)
	}
	second, err := site.PutJournal(ctx, "run1", first, []byte(`{"n":2}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := site.PutJournal(ctx, "run1", first, []byte(`{"n":3}`)); !errors.Is(err, xsite.ErrConflict) {
		t.Errorf("replaced by an old version: %v", err)
	}
	third, err := site.PutJournal(ctx, "run2", "", []byte(`{"m":1}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []xsite.StoredJournal{
		{ID: "run2", Version: third, Record: []byte(`{"m":1}`)},
		{ID: "run1", Version: second, Record: []byte(`{"n":2}`)},
	}
	got, err := site.Journals(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stored := f.get(object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("ispn-resync-cr-infin-run1", object{})})
	labels := object{"app.kubernetes.io/managed-by": "kubectl-ispn-resync", "ispn-resync.io/infinispan": "cr-infinispan"}
	if diff := cmp.Diff(labels, stored["metadata"].(object)["labels"]); diff != "" {
		t.Error(diff)
	}
	for range 2 {
		if err := site.DeleteJournal(ctx, "run1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := site.PutJournal(ctx, "run1", second, []byte(`{}`)); !errors.Is(err, xsite.ErrConflict) {
		t.Errorf("replaced after it was removed: %v", err)
	}
}

func TestJournalsOfOthersAreNotListed(t *testing.T) {
	f := newSite(t)
	labels := func(uid string) object {
		return object{"labels": object{"app.kubernetes.io/managed-by": "kubectl-ispn-resync", "ispn-resync.io/infinispan": uid}}
	}
	f.put(
		object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("ispn-resync-another-run", labels("another"))},
		object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("something-else", labels("cr-infinispan"))},
		object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("ispn-resync-cr-infin-empty", labels("cr-infinispan"))},
	)
	got, err := f.mustConnect(nil).Journals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].ID != "empty" || len(got[0].Record) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestAJournalThatCannotBeWritten(t *testing.T) {
	f := newSite(t)
	site := f.mustConnect(nil)
	for name, test := range map[string]struct {
		id     string
		record []byte
		want   string
	}{
		"no id":     {"", nil, "cannot be part of a name"},
		"a bad id":  {"../Run", nil, "cannot be part of a name"},
		"too large": {"run", make([]byte, journalLimit+1), "1000001 bytes"},
	} {
		if _, err := site.PutJournal(t.Context(), test.id, "", test.record); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	f.denied["create configmaps"] = true
	_, err := site.PutJournal(t.Context(), "run", "", nil)
	as[*ForbiddenError](t, err)
}

func TestTheMirroredCacheIsForgottenAndNoOther(t *testing.T) {
	f := newSite(t)
	cache := func(name, cluster, of string) object {
		return object{"apiVersion": "infinispan.org/v2alpha1", "kind": "Cache", "metadata": metadata(name, object{}), "spec": object{"clusterName": cluster, "name": of}}
	}
	mirrored, other, theirs := cache("probe-x", "infinispan", "Probe_X"), cache("sessions", "infinispan", "sessions"), cache("probe-y", "second", "Probe_X")
	f.put(mirrored, other, theirs)
	site := f.mustConnect(nil)
	for _, want := range [][]string{{"Probe_X"}, nil} {
		if removed, err := site.ForgetCaches(t.Context(), "Probe_"); err != nil || !slices.Equal(removed, want) {
			t.Fatalf("removed %q, want %q: %v", removed, want, err)
		}
	}
	if f.get(mirrored) != nil || f.get(other) == nil || f.get(theirs) == nil {
		t.Error("removed the wrong ones")
	}
	f.denied["list caches"] = true
	_, err := site.ForgetCaches(t.Context(), "Probe_")
	as[*ForbiddenError](t, err)
}
