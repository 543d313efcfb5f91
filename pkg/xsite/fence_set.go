package xsite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/infinispan"
)

// takeOffline takes the site offline for every cache of the plan, then proves it on every server for all that back up to it.
// It is first aid: writes of a cache fail until its turn, so no server is waited for, and nothing that fails for one cache or
// server keeps it from the others.
func (f *fencing) takeOffline(ctx context.Context) error {
	f.ending = true
	sent := f.sendOffline(ctx)
	unproved := f.proveOffline(ctx)
	if unproved == nil {
		return nil
	}
	return errors.Join(unproved, sent)
}

// proveOffline asks every server of now for each of its flags, and tells it again where it did not follow. The error says what
// is not proved.
func (f *fencing) proveOffline(ctx context.Context) error {
	silent, err := f.primary.surveyAnswering(ctx)
	if err != nil {
		return err
	}
	problems := slices.Clone(silent)
	var proved []string
	for _, m := range f.primary.members {
		found := f.proveOn(ctx, m)
		if len(found) == 0 {
			proved = append(proved, m.pod.Name)
		}
		problems = append(problems, found...)
	}
	if len(problems) == 0 {
		return nil
	}
	f.state = fmt.Sprintf("primary %s: that site %s is offline for all %d caches is proved on: %s. "+
		"A server that did not answer should have it from these, which is not proved",
		f.primary.name, f.secondary.name, len(f.all), cmp.Or(joined(proved), "no server"))
	return errors.Join(problems...)
}

// proveOn is proveOffline on one server. One that cannot be asked is asked no more.
func (f *fencing) proveOn(ctx context.Context, m member) []error {
	var problems []error
	for _, c := range f.all {
		flag, err := flagOf(ctx, m, c.Name, f.secondary.name)
		if err == nil && flag != infinispan.FlagOffline {
			if err = m.node.TakeOffline(ctx, c.Name, f.secondary.name); err == nil {
				flag, err = flagOf(ctx, m, c.Name, f.secondary.name)
			}
		}
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("prove that site %s is offline for cache %s on pod %s of the %s: %w",
				f.secondary.name, c.Name, m.pod.Name, f.primary, err))
		case flag != infinispan.FlagOffline:
			problems = append(problems, notSet(f.primary, f.secondary.name, c, infinispan.FlagOffline, fmt.Sprintf("pod %s says %s", m.pod.Name, flag)))
		}
		if err != nil && noAnswer(err) {
			break
		}
	}
	return problems
}

// noAnswer tells that a server said nothing at all, so that the next question is likely to take as long for nothing.
func noAnswer(err error) bool {
	return lost(err) || away(err) || errors.Is(err, infinispan.ErrTimeout)
}
