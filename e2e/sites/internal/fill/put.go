package fill

import (
	"context"
	"fmt"
	"sync"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
)

// Put writes entries over REST, one by one on eight connections spread over the clients (one to two
// thousand a second). The first failure ends it.
func Put(ctx context.Context, clients []*rest.Client, cache string, entries Entries) error {
	const workers = 8
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var all sync.WaitGroup
	for w := range workers {
		client := clients[w%len(clients)]
		all.Go(func() {
			for i := range numbers {
				if err := client.Put(ctx, cache, entries.Key(i), entries.Value(i), entries.Lifespan); err != nil {
					cancel(fmt.Errorf("fill %s: %w", cache, err))
				}
			}
		})
	}
	for i := entries.First; i < entries.First+entries.Count && ctx.Err() == nil; i++ {
		numbers <- i
	}
	close(numbers)
	all.Wait()
	return context.Cause(ctx)
}
