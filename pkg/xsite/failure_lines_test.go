package xsite

import (
	"errors"
	"testing"
)

func TestAStateTellsTheFirstOfManyErrorsAndHowManyThereAre(t *testing.T) {
	down := errors.New("pod infinispan-1 cannot be reached")
	for want, err := range map[string]error{
		down.Error():                          down,
		down.Error() + "; and 2 more like it": errors.Join(down, errors.New("cache sessions"), errors.New("cache work")),
	} {
		if got := firstLine(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
