// go-redis counts in a cluster until its input ends, then reads all counts: one line of JSON. usage: cluster_client PORT
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

func main() {
	ctx := context.Background()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:" + os.Args[1]}})
	var over atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		over.Store(true)
	}()
	const threads, keys = 4, 10
	var counted atomic.Int64
	var wait sync.WaitGroup
	failed := make(chan error, threads)
	for n := 0; n < threads; n++ {
		wait.Add(1)
		go func(n int) {
			defer wait.Done()
			acknowledged := map[string]int64{}
			for i := 0; !over.Load(); i++ {
				key := fmt.Sprintf("go:%d:%d", n, i%keys)
				value, err := client.Incr(ctx, key).Result()
				if err != nil {
					failed <- fmt.Errorf("INCR %s: %w", key, err)
					return
				}
				acknowledged[key]++
				counted.Add(1)
				if value != acknowledged[key] {
					failed <- fmt.Errorf("INCR %s gave %d in place of %d", key, value, acknowledged[key])
					return
				}
			}
			for key, count := range acknowledged {
				value, err := client.Get(ctx, key).Int64()
				if err != nil || value != count {
					failed <- fmt.Errorf("GET %s gave %d, %v in place of %d", key, value, err, count)
					return
				}
			}
		}(n)
	}
	wait.Wait()
	select {
	case err := <-failed:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	default:
	}
	json.NewEncoder(os.Stdout).Encode(map[string]int64{"counted": counted.Load()})
}
