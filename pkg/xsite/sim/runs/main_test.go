package runs

import (
	"flag"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	flag.Int64("kill-every", 7, "kill at every n-th call only")
	flag.Int64("seed", 0, "run this seed alone, and tell what happens in it")
	flag.Int64("seeds", 1000, "how many seeds to run")
	flag.Int64("from", 1, "the first of them")
	flag.Int64("step", 1, "from one to the next; 8 from 8 on are those of two operators")
	flag.Duration("soak", 0, "how long TestSoak runs")
	m.Run()
}

// setting reads a flag.
func setting[T int64 | time.Duration](name string) T {
	value, _ := flag.Lookup(name).Value.(flag.Getter).Get().(T)
	return value
}
