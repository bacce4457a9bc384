// quickstart [NAMESERVER]: sends a message and consumes it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	nameServer := "127.0.0.1:9876"
	if len(os.Args) > 1 {
		nameServer = os.Args[1]
	}
	resolver := primitive.NewPassthroughResolver([]string{nameServer})

	p, err := rocketmq.NewProducer(producer.WithNsResolver(resolver), producer.WithGroupName("orders-go-producer"))
	must(err)
	must(p.Start())
	message := primitive.NewMessage("orders-go", []byte("hello")).WithTag("paid").WithKeys([]string{"order-1"})
	_, err = p.SendSync(context.Background(), message)
	must(err)
	fmt.Println("sent")

	received := make(chan string, 1)
	c, err := rocketmq.NewPushConsumer(consumer.WithNsResolver(resolver), consumer.WithGroupName("orders-go-consumer"),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	must(err)
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: "paid || refunded"}
	must(c.Subscribe("orders-go", selector, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, each := range messages {
			received <- string(each.Body)
		}
		return consumer.ConsumeSuccess, nil
	}))
	must(c.Start())
	select {
	case body := <-received:
		fmt.Println("received:", body)
	case <-time.After(60 * time.Second):
		must(fmt.Errorf("nothing came"))
	}
	must(c.Shutdown())
	must(p.Shutdown())
}
