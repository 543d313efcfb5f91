package fill

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ispn-resync/kubectl-ispn-resync/e2e/sites/internal/rest"
)

// Put writes entries over REST, one by one on eight connections spread over the clients (one to two
// thousand a second). The first failure ends it.
func Put(ctx context.Context, clients []*rest.Client, cache string, entries Entries) error {
	err := eachOne(ctx, clients, entries, func(ctx context.Context, client *rest.Client, i int) error {
		return client.Put(ctx, cache, entries.Key(i), entries.Value(i), entries.Lifespan)
	})
	if err != nil {
		return fmt.Errorf("fill %s: %w", cache, err)
	}
	return nil
}

// Delete removes entries by their keys over REST, in the way of [Put], and returns how many of them were there.
func Delete(ctx context.Context, clients []*rest.Client, cache string, entries Entries) (int, error) {
	var there atomic.Int64
	err := eachOne(ctx, clients, entries, func(ctx context.Context, client *rest.Client, i int) error {
		err := client.Delete(ctx, cache, entries.Key(i))
		if absent := (*rest.Error)(nil); errors.As(err, &absent) && absent.Status == http.StatusNotFound && absent.Body == "" {
			return nil // a missing cache is a 404 too, but with words
		}
		if err == nil {
			there.Add(1)
		}
		return err
	})
	if err != nil {
		return int(there.Load()), fmt.Errorf("remove entries of %s: %w", cache, err)
	}
	return int(there.Load()), nil
}

// eachOne calls do for the number of every entry, from eight goroutines. The first failure ends it.
func eachOne(ctx context.Context, clients []*rest.Client, entries Entries, do func(ctx context.Context, client *rest.Client, i int) error) error {
	const workers = 8
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var all sync.WaitGroup
	for w := range workers {
		client := clients[w%len(clients)]
		all.Go(func() {
			for i := range numbers {
				if err := do(ctx, client, i); err != nil {
					cancel(err)
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
